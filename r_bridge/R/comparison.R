#' Match the concepts of two hierarchies and list the labels that moved
#'
#' Concepts are matched one to one by their label sets; a label moved when the partner of its parent
#' in `a` is not its parent in `b`.
#'
#' @param a,b Hierarchies of [nnae_hierarchy()] with at least one label in common.
#' @param x,object What `nnae_compare_hierarchies` returned.
#' @param n Number of rows to print of each table.
#' @param ... Unused.
#' @return An object of class `nnae_comparison`: a list with the data frames `concepts` (pairs with
#'   Jaccard's coefficient, then concepts without a partner) and `moved`, `agreement` (share of
#'   labels that did not move) and `n_compared`. `tidy` returns the concepts, `glance` and `summary`
#'   the numbers.
#' @examples
#' if (nnae_available()) {
#'   planted <- nnae_dataset("label_hierarchy", n_samples = 400, random_state = 0)
#'   tree <- function(rows) nnae_hierarchy(nnae_nmf(planted$y[rows, ], 6, random_state = 0))
#'   nnae_compare_hierarchies(tree(1:200), tree(201:400))
#' }
#' @export
nnae_compare_hierarchies <- function(a, b) {
  check_hierarchy(a, "a")
  check_hierarchy(b, "b")
  found <- call_python(nnae_module()$compare_hierarchies(nnae_python(a), nnae_python(b)))
  structure(
    list(
      concepts = from_pandas(found$concepts),
      moved = from_pandas(found$moved),
      agreement = as.double(reticulate::py_to_r(found$agreement)),
      n_compared = as.integer(reticulate::py_to_r(found$n_compared))
    ),
    class = "nnae_comparison"
  )
}

#' @rdname nnae_compare_hierarchies
#' @export
#' @method print nnae_comparison
print.nnae_comparison <- function(x, n = 10, ...) {
  check_unused(...)
  cat(sprintf(
    "%d labels compared, %d moved, %.1f %% agree\n", x$n_compared, nrow(x$moved), 100 * x$agreement
  ))
  print(head(x$concepts, n), digits = 3)
  if (nrow(x$moved)) print(head(x$moved, n))
  invisible(x)
}

#' @rdname nnae_compare_hierarchies
#' @export
#' @method summary nnae_comparison
summary.nnae_comparison <- function(object, ...) {
  check_unused(...)
  glance(object)
}

#' @rdname nnae_compare_hierarchies
#' @rawNamespace S3method(tidy, nnae_comparison)
tidy.nnae_comparison <- function(x, ...) {
  check_unused(...)
  x$concepts
}

#' @rdname nnae_compare_hierarchies
#' @rawNamespace S3method(glance, nnae_comparison)
glance.nnae_comparison <- function(x, ...) {
  check_unused(...)
  data.frame(
    n_compared = x$n_compared, n_moved = nrow(x$moved), agreement = x$agreement,
    n_matched = sum(x$concepts$jaccard > 0)
  )
}
