#' Check a hierarchy against examples that did not make it
#'
#' The tree is set against how often labels occur together in held-out examples, beside trees of
#' the same shape with shuffled labels, trees that anyone could build, and a taxonomy if any.
#'
#' @param hierarchy A hierarchy of [nnae_hierarchy()].
#' @param y_heldout Labels of examples that the hierarchy was not made from, in any form that
#'   [nnae_nmf()] takes, or [nnae_row_blocks()].
#' @param x NULL, or their features, a matrix or one of package Matrix: a rival is built from them.
#' @param taxonomy NULL, or the group of each label: a vector in the order of the labels, or one
#'   with labels as names; NA means none.
#' @param n_permutations Number of shuffled trees, and of draws of labels for intervals.
#' @param random_state Seed, a whole number, or NULL.
#' @param y_train,x_train NULL, or the examples to build the rivals from, best those that made the
#'   hierarchy.
#' @param evidence `"labels"` or `"features"`: what the tree was made from.
#' @param model NULL, or the model that the tree was read from: adds how well the joint counts that
#'   it implies are calibrated on the held-out examples.
#' @param min_expected Least expected joint count of a pair that is looked at.
#' @param max_pairs Pairs are drawn at random above that number.
#' @param n_threads Threads, or NULL for all; the result does not depend on it.
#' @param sep Separator of labels in text.
#' @return An object of class `nnae_audit`: a list with `frame` (one row a metric), `verdict`,
#'   `trustworthy`, `checks` and `html`, a page with all of it. See [nnae_audit_methods].
#' @examples
#' if (nnae_available()) {
#'   planted <- nnae_dataset("label_hierarchy", n_samples = 1000, random_state = 0)
#'   train <- 1:500
#'   model <- nnae_autoencoder(planted$y[train, ], layer_sizes = c(12, 3), random_state = 0)
#'   report <- nnae_audit(
#'     nnae_hierarchy(model), planted$y[-train, ], taxonomy = planted$groups,
#'     n_permutations = 50, random_state = 0
#'   )
#'   report
#' }
#' @export
nnae_audit <- function(hierarchy, y_heldout, x = NULL, taxonomy = NULL, n_permutations = 200,
                       random_state = NULL, y_train = NULL, x_train = NULL, evidence = "labels",
                       model = NULL, min_expected = 5, max_pairs = 500000, n_threads = NULL,
                       sep = ",") {
  check_hierarchy(hierarchy, "hierarchy")
  encode <- function(y, name) {
    if (!is.null(y)) to_scipy(as_label_matrix(y, name, sep, known = hierarchy$labels))
  }
  features <- function(x, name) if (!is.null(x)) to_scipy(as_dgc(x, name))
  arguments <- list(
    nnae_python(hierarchy),
    if (inherits(y_heldout, "nnae_row_blocks")) {
      python_blocks(y_heldout)
    } else {
      encode(y_heldout, "y_heldout")
    },
    X = features(x, "x"),
    taxonomy = check_taxonomy(taxonomy, hierarchy$labels),
    n_permutations = check_count(n_permutations, "n_permutations"),
    random_state = check_count_or_null(random_state, "random_state"),
    Y_train = encode(y_train, "y_train"),
    X_train = features(x_train, "x_train"),
    evidence = check_text(evidence, "evidence"),
    model = audited_model(model),
    min_expected = check_number(min_expected, "min_expected"),
    max_pairs = check_count(max_pairs, "max_pairs"),
    n_threads = check_count_or_null(n_threads, "n_threads")
  )
  report <- call_python(do.call(nnae_module()$audit, arguments))
  structure(
    list(
      call = match.call(),
      frame = from_pandas(report$frame),
      verdict = as.character(reticulate::py_to_r(report$verdict)),
      trustworthy = isTRUE(reticulate::py_to_r(report$trustworthy)),
      checks = vapply(reticulate::py_to_r(report$checks), isTRUE, TRUE),
      html = as.character(reticulate::py_to_r(report$to_html()))
    ),
    class = "nnae_audit"
  )
}

audited_model <- function(model) {
  if (inherits(model, "nnae_two_step")) model <- nnae_step_one(model)
  if (!is.null(model) && !inherits(model, "nnae_compressor")) {
    refuse("`model` must be NULL or a model of nnae; got %s", class(model)[1])
  }
  if (!is.null(model)) nnae_python(model)
}

check_hierarchy <- function(value, name) {
  if (!inherits(value, "nnae_hierarchy")) {
    refuse("`%s` must come from nnae_hierarchy(); got %s", name, class(value)[1])
  }
}

# A dict from label to group, without those that have none.
check_taxonomy <- function(value, labels) {
  if (is.null(value)) {
    return(NULL)
  }
  if (!is.atomic(value)) refuse("`taxonomy` must be a vector of groups; got %s", shown(value))
  if (is.null(names(value))) {
    if (length(value) != length(labels)) {
      refuse("`taxonomy` has %d groups, the hierarchy has %d labels", length(value), length(labels))
    }
    names(value) <- labels
  }
  value <- value[!is.na(value)]
  reticulate::dict(as.list(stats::setNames(as.character(value), names(value))))
}

#' Methods of audits
#'
#' @param x,object A report of [nnae_audit()].
#' @param path File to write.
#' @param ... Passed on by `plot` to [plot()]; else unused.
#' @return `tidy`: one row a metric; `glance`: one row with the verdict and the counts behind it.
#'   `plot` draws every metric with its interval, the mean of the shuffled trees and the rivals.
#'   `nnae_write_html` writes a page that needs no other file and returns its path, invisibly.
#' @examples
#' if (nnae_available()) {
#'   planted <- nnae_dataset("label_hierarchy", n_samples = 1000, random_state = 0)
#'   model <- nnae_autoencoder(planted$y[1:500, ], layer_sizes = c(12, 3), random_state = 0)
#'   report <- nnae_audit(
#'     nnae_hierarchy(model), planted$y[501:1000, ], n_permutations = 50, random_state = 0
#'   )
#'   glance(report)
#'   plot(report)
#'   nnae_write_html(report, tempfile(fileext = ".html"))
#' }
#' @name nnae_audit_methods
NULL

#' @rdname nnae_audit_methods
#' @export
#' @method print nnae_audit
print.nnae_audit <- function(x, ...) {
  check_unused(...)
  cat(strwrap(x$verdict, 80), "", sep = "\n")
  measured <- !is.na(x$frame$ci_low) | !is.na(x$frame$p_value)
  print(x$frame[measured, 1:6], digits = 3, row.names = FALSE)
  invisible(x)
}

#' @rdname nnae_audit_methods
#' @export
#' @method summary nnae_audit
summary.nnae_audit <- function(object, ...) {
  check_unused(...)
  object$checks
}

#' @rdname nnae_audit_methods
#' @rawNamespace S3method(tidy, nnae_audit)
tidy.nnae_audit <- function(x, ...) {
  check_unused(...)
  x$frame
}

#' @rdname nnae_audit_methods
#' @rawNamespace S3method(glance, nnae_audit)
glance.nnae_audit <- function(x, ...) {
  check_unused(...)
  counts <- x$frame[is.na(x$frame$ci_low) & is.na(x$frame$p_value), ]
  data.frame(
    trustworthy = x$trustworthy, checks_passed = sum(x$checks), checks_made = length(x$checks),
    as.list(stats::setNames(counts$value, counts$metric))
  )
}

#' @rdname nnae_audit_methods
#' @export
plot.nnae_audit <- function(x, ...) {
  table <- x$frame[!is.na(x$frame$ci_low), ]
  table <- table[rev(seq_len(nrow(table))), ]
  rivals <- setdiff(
    names(table)[vapply(table, is.numeric, TRUE)],
    c("value", "ci_low", "ci_high", "null_mean", "p_value")
  )
  rivals <- rivals[!grepl("_(difference|p_value)$", rivals)]
  beside <- fit_names(gsub("_", " ", table$metric), 0.8)
  old <- graphics::par(las = 1, mai = replace(graphics::par("mai"), 2, beside$margin))
  on.exit(graphics::par(old))
  rows <- seq_len(nrow(table))
  numbers <- unlist(table[c("value", "ci_low", "ci_high", "null_mean", rivals)])
  plot(table$value, rows,
    xlim = range(numbers[is.finite(numbers)]), ylim = c(0.5, nrow(table) + 2.5), yaxt = "n",
    pch = 19, xlab = "value", ylab = "", ...
  )
  graphics::axis(2, rows, beside$names, cex.axis = 0.8, tick = FALSE)
  graphics::segments(table$ci_low, rows, table$ci_high)
  graphics::points(table$null_mean, rows, pch = 1, col = "grey50")
  for (at in seq_along(rivals)) {
    graphics::points(table[[rivals[at]]], rows, pch = 2 + at, col = "grey30")
  }
  graphics::legend("top",
    c("tree", "shuffled", gsub("_", " ", rivals)),
    pch = c(19, 1, 2 + seq_along(rivals)),
    col = c("black", "grey50", rep("grey30", length(rivals))),
    bty = "n", ncol = 2, cex = 0.8
  )
  invisible(x)
}

#' @rdname nnae_audit_methods
#' @export
nnae_write_html <- function(x, path) {
  if (is.null(x$html)) refuse("`x` must be a report of nnae; got %s", class(x)[1])
  check_text(path, "path")
  writeLines(enc2utf8(x$html), path, useBytes = TRUE)
  invisible(path)
}
