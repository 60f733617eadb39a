#' Test which labels depend on each other
#'
#' Pairs are chosen by the margins alone, tested for independence, and told with the size and the
#' direction of what is found, at a false-discovery rate that holds.
#'
#' @param y Labels, in any form that [nnae_nmf()] takes; presence counts, values do not.
#' @param model NULL, or a fit of [nnae_nmf()], [nnae_autoencoder()] or [nnae_two_step()]: adds what
#'   it implies of each pair.
#' @param alpha False-discovery rate at which a direction is given, and 1 less the level of the
#'   intervals.
#' @param min_expected Least joint count that independence would lead one to expect of a tested
#'   pair.
#' @param label_names Names that replace those of `y`, or NULL.
#' @param family `"margins"`, or `"all"`: every pair counts as a test, and all that occur together
#'   are listed.
#' @param method `"fisher"`, `"g"`, or `"auto"`: Fisher's exact test where an expected cell is
#'   small.
#' @param subsumption Least P(b | a) for the direction `"a -> b"`.
#' @param hierarchy NULL, or a hierarchy of [nnae_hierarchy()]: tells of pairs with a common parent
#'   whether the concept explains them (`tie`).
#' @param covariates NULL, or columns to hold fixed, a matrix with a row an example: adds adjusted
#'   odds ratios for the first `n_adjusted` pairs.
#' @param n_adjusted See `covariates`.
#' @param n_threads Threads, or NULL for all; the result does not depend on it.
#' @param sep Separator of labels in text.
#' @return A data frame of class `nnae_dependencies`, one row a pair, the smallest p-value first:
#'   `label_a`, `label_b`, `count`, `expected`, `odds_ratio`, `ci_low`, `ci_high`, `npmi`,
#'   `p_value`, `q_value`, `direction`. See [nnae_dependencies_methods].
#' @examples
#' if (nnae_available()) {
#'   planted <- nnae_dataset("label_hierarchy", n_samples = 500, random_state = 0)
#'   found <- nnae_dependencies(planted$y)
#'   summary(found)
#'   head(found[found$direction == "a -> b", ])
#'   plot(found, n = 12)
#' }
#' @export
nnae_dependencies <- function(y, model = NULL, alpha = 0.05, min_expected = 5, label_names = NULL,
                              family = "margins", method = "auto", subsumption = 0.8,
                              hierarchy = NULL, covariates = NULL, n_adjusted = 100,
                              n_threads = NULL, sep = ",") {
  if (!is.null(hierarchy)) check_hierarchy(hierarchy, "hierarchy")
  if (inherits(model, "nnae_two_step")) model <- nnae_step_one(model)
  if (!is.null(model) && !inherits(model, "nnae_compressor")) {
    refuse("`model` must be NULL or a model of nnae; got %s", class(model)[1])
  }
  arguments <- list(
    to_python_labels(as_label_matrix(y, "y", sep)),
    model = if (!is.null(model)) nnae_python(model),
    alpha = check_number(alpha, "alpha"),
    min_expected = check_number(min_expected, "min_expected"),
    label_names = check_names(label_names, "label_names"),
    family = check_text(family, "family"),
    method = check_text(method, "method"),
    subsumption = check_number(subsumption, "subsumption"),
    hierarchy = if (!is.null(hierarchy)) nnae_python(hierarchy),
    covariates = if (!is.null(covariates)) to_python_features(covariates, "covariates"),
    n_adjusted = check_count(n_adjusted, "n_adjusted"),
    n_threads = check_count_or_null(n_threads, "n_threads")
  )
  frame <- call_python(do.call(nnae_module()$label_dependencies, arguments))
  structure(
    from_pandas(frame),
    about = reticulate::py_to_r(frame$attrs),
    class = c("nnae_dependencies", "data.frame")
  )
}

#' Methods of tested dependencies
#'
#' @param x,object What [nnae_dependencies()] returned.
#' @param n Number of pairs to show.
#' @param alpha Largest q-value of an edge of the graph; NULL takes that of the test.
#' @param ... Passed on by `print` to the method for data frames and by `plot` to [plot()]; else
#'   unused.
#' @return `tidy`: the pairs as a plain data frame; `glance` and `summary`: one row of counts.
#'   `plot` draws odds ratios with their intervals. `as.igraph`: labels with at least one edge, an
#'   edge from the narrower label to the wider, and one each way where no direction is given.
#' @examples
#' if (nnae_available()) {
#'   planted <- nnae_dataset("label_hierarchy", n_samples = 500, random_state = 0)
#'   found <- nnae_dependencies(planted$y)
#'   glance(found)
#'   if (requireNamespace("igraph", quietly = TRUE)) igraph::as.igraph(found)
#' }
#' @name nnae_dependencies_methods
NULL

#' @rdname nnae_dependencies_methods
#' @export
#' @method print nnae_dependencies
print.nnae_dependencies <- function(x, n = 10, ...) {
  n <- check_count(n, "n")
  about <- attr(x, "about")
  if (!is.null(about)) print(summary(x))
  print(head(as.data.frame(x), n), ...)
  if (nrow(x) > n) cat(sprintf("... %d more pairs\n", nrow(x) - n))
  invisible(x)
}

#' @export
#' @method as.data.frame nnae_dependencies
as.data.frame.nnae_dependencies <- function(x, row.names = NULL, optional = FALSE, ...) { # nolint
  check_unused(...)
  structure(x, about = NULL, class = "data.frame")
}

#' @rdname nnae_dependencies_methods
#' @export
#' @method summary nnae_dependencies
summary.nnae_dependencies <- function(object, ...) {
  check_unused(...)
  structure(glance(object), class = c("summary.nnae_dependencies", "data.frame"))
}

#' @rdname nnae_dependencies_methods
#' @export
#' @method print summary.nnae_dependencies
print.summary.nnae_dependencies <- function(x, ...) {
  check_unused(...)
  cat(sprintf(
    paste0(
      "%d of %d tested pairs of %d labels depend on each other (false-discovery rate %s,",
      " %d examples)\n%d of them more often together than chance, %d with a direction\n"
    ),
    x$n_significant, x$n_tests, x$n_labels, format(x$alpha), x$n_rows, x$n_positive, x$n_directed
  ))
  invisible(x)
}

#' @rdname nnae_dependencies_methods
#' @rawNamespace S3method(tidy, nnae_dependencies)
tidy.nnae_dependencies <- function(x, ...) {
  check_unused(...)
  as.data.frame(x)
}

#' @rdname nnae_dependencies_methods
#' @rawNamespace S3method(glance, nnae_dependencies)
glance.nnae_dependencies <- function(x, ...) {
  check_unused(...)
  about <- attr(x, "about")
  found <- x$q_value <= about$alpha
  data.frame(
    n_rows = about$n_rows, n_labels = about$n_labels, n_tests = about$n_tests,
    n_significant = about$n_significant, n_positive = sum(found & x$odds_ratio > 1),
    n_directed = sum(found & x$direction != "none"), alpha = about$alpha,
    min_expected = about$min_expected, family = about$family
  )
}

#' @rdname nnae_dependencies_methods
#' @export
plot.nnae_dependencies <- function(x, n = 20, ...) {
  best <- head(as.data.frame(x), check_count(n, "n"))
  if (!nrow(best)) {
    graphics::plot.new()
    graphics::title(main = "no pair could be tested")
    return(invisible(x))
  }
  best <- best[rev(seq_len(nrow(best))), ]
  arrow <- c("a -> b" = " -> ", "b -> a" = " <- ", "a <-> b" = " <-> ", none = " - ")
  half <- function(names) shorten(names, 18)
  pairs <- paste0(half(best$label_a), arrow[best$direction], half(best$label_b))
  beside <- fit_names(pairs, 0.8)
  old <- graphics::par(las = 1, mai = replace(graphics::par("mai"), 2, beside$margin))
  on.exit(graphics::par(old))
  finite <- c(best$ci_low, best$ci_high, 1)
  plot(best$odds_ratio, seq_len(nrow(best)),
    log = "x", xlim = range(finite[is.finite(finite) & finite > 0]), yaxt = "n", pch = 19,
    xlab = "odds ratio", ylab = "", ...
  )
  graphics::axis(2, seq_len(nrow(best)), beside$names, cex.axis = 0.8, tick = FALSE)
  graphics::segments(best$ci_low, seq_len(nrow(best)), best$ci_high)
  graphics::abline(v = 1, lty = 3)
  invisible(x)
}

#' @rdname nnae_dependencies_methods
#' @exportS3Method igraph::as.igraph
as.igraph.nnae_dependencies <- function(x, alpha = NULL, ...) { # nolint
  check_unused(...)
  alpha <- if (is.null(alpha)) attr(x, "about")$alpha else check_number(alpha, "alpha")
  found <- as.data.frame(x)[x$q_value <= alpha, ]
  found$sign <- ifelse(found$count >= found$expected, 1L, -1L)
  columns <- c(
    "sign", "direction", "count", "expected", "odds_ratio", "npmi", "q_value"
  )
  ahead <- found[found$direction != "b -> a", c("label_a", "label_b", columns)]
  back <- found[found$direction != "a -> b", c("label_b", "label_a", columns)]
  names(ahead)[1:2] <- names(back)[1:2] <- c("from", "to")
  igraph::graph_from_data_frame(rbind(ahead, back), directed = TRUE)
}
