#' Build the tree of labels that resemble each other, without a model
#'
#' Labels are near that keep the same company, whose examples have similar codes when the label
#' itself is left out, and whose examples have similar features. What weight each kind of evidence
#' has is found on rows held out. Siblings may be alternatives that never occur together, which a
#' tree of [nnae_hierarchy()] of labels alone cannot see.
#'
#' @param y Labels, at most 5,000, in any form that [nnae_nmf()] takes.
#' @param x NULL, or features of the same rows.
#' @param label_names Names that replace those of `y`, or NULL.
#' @param layer_sizes Numbers of concepts of the levels, decreasing; `"auto"` chooses them.
#' @param random_state Seed of the models' starts and of the rows held out.
#' @param n_threads Threads, or NULL for all; the result does not depend on it.
#' @param sep Separator of labels in text.
#' @return An object of class `nnae_hierarchy`, as of [nnae_hierarchy()]; `evidence` is a data frame
#'   with the weight of each kind and the bits that held-out rows confirm of its own tree.
#' @examples
#' if (nnae_available()) {
#'   planted <- nnae_dataset("label_hierarchy", n_samples = 400, random_state = 0)
#'   tree <- nnae_label_tree(planted$y, layer_sizes = c(12, 3))
#'   tree$evidence
#'   table(cutree(as.hclust(tree), k = 3))
#' }
#' @export
nnae_label_tree <- function(y, x = NULL, label_names = NULL, layer_sizes = "auto",
                            random_state = 0, n_threads = NULL, sep = ",") {
  arguments <- list(
    to_python_labels(as_label_matrix(y, "y", sep)),
    X = if (!is.null(x)) to_python_features(x, "x"),
    label_names = check_names(label_names, "label_names"),
    layer_sizes = check_widths(layer_sizes, "layer_sizes"),
    random_state = check_count(random_state, "random_state"),
    n_threads = check_count_or_null(n_threads, "n_threads")
  )
  object <- call_python(do.call(nnae_module()$LabelHierarchy$from_labels, arguments))
  tree <- new_hierarchy(object, match.call())
  found <- reticulate::py_to_r(object$evidence)
  tree$evidence <- data.frame(
    kind = as.character(names(found)),
    weight = vapply(found, function(one) as.numeric(one$weight), numeric(1), USE.NAMES = FALSE),
    bits = vapply(found, function(one) as.numeric(one$bits), numeric(1), USE.NAMES = FALSE)
  )
  tree
}
