#' nnae: interpretable extreme multi-label learning
#'
#' Labels are compressed into non-negative codes by [nnae_nmf()] or [nnae_autoencoder()]; a
#' hierarchy of the labels is read off the weights by [nnae_hierarchy()]. The computations
#' are those of the Python package `nnae`: see [install_nnae()].
#'
#' @section Threads:
#' Every fit has `n_threads`; the result is the same, to the bit, for any number. The environment
#' variable `OMP_NUM_THREADS` counts only when it is set before R starts. A forked child, as of
#' `parallel::mclapply()`, uses one thread.
#'
#' @keywords internal
#' @importFrom methods as new is
#' @importFrom stats as.dendrogram as.hclust coef fitted predict residuals
#' @importFrom utils head
"_PACKAGE"

#' @importFrom generics tidy
#' @export
generics::tidy

#' @importFrom generics glance
#' @export
generics::glance

#' @importFrom generics augment
#' @export
generics::augment
