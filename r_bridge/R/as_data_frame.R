#' Results as data frames
#'
#' Hierarchies, audits, stability reports, comparisons, explanations and reports on readers become
#' the data frame that `tidy()` returns.
#'
#' @param x A result of this package.
#' @param row.names,optional Unused; arguments of the generic.
#' @param ... Unused.
#' @return A data frame, one row an edge, metric, pair of concepts, line of the ledger or effect.
#' @examples
#' if (nnae_available()) {
#'   planted <- nnae_dataset("label_hierarchy", n_samples = 200, random_state = 0)
#'   tree <- nnae_hierarchy(nnae_nmf(planted$y, 6, random_state = 0))
#'   head(as.data.frame(tree))
#' }
#' @name nnae_data_frames
NULL

# `row.names` and `optional` are ignored: rows are numbered, names of columns are syntactic.
tidied <- function(x, ...) {
  check_unused(...)
  tidy(x)
}

#' @rdname nnae_data_frames
#' @export
#' @method as.data.frame nnae_hierarchy
as.data.frame.nnae_hierarchy <- function(x, row.names = NULL, optional = FALSE, ...) { # nolint
  tidied(x, ...)
}

#' @rdname nnae_data_frames
#' @export
#' @method as.data.frame nnae_audit
as.data.frame.nnae_audit <- function(x, row.names = NULL, optional = FALSE, ...) { # nolint
  tidied(x, ...)
}

#' @rdname nnae_data_frames
#' @export
#' @method as.data.frame nnae_stability
as.data.frame.nnae_stability <- function(x, row.names = NULL, optional = FALSE, ...) { # nolint
  tidied(x, ...)
}

#' @rdname nnae_data_frames
#' @export
#' @method as.data.frame nnae_comparison
as.data.frame.nnae_comparison <- function(x, row.names = NULL, optional = FALSE, ...) { # nolint
  tidied(x, ...)
}

#' @rdname nnae_data_frames
#' @export
#' @method as.data.frame nnae_explanation
as.data.frame.nnae_explanation <- function(x, row.names = NULL, optional = FALSE, ...) { # nolint
  tidied(x, ...)
}

#' @rdname nnae_data_frames
#' @export
#' @method as.data.frame nnae_simulation
as.data.frame.nnae_simulation <- function(x, row.names = NULL, optional = FALSE, ...) { # nolint
  tidied(x, ...)
}

#' @rdname nnae_data_frames
#' @export
#' @method as.data.frame nnae_study
as.data.frame.nnae_study <- function(x, row.names = NULL, optional = FALSE, ...) { # nolint
  tidied(x, ...)
}
