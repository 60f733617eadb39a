#' Data sets of the Python package
#'
#' @param name `"label_hierarchy"` and `"zipf_labels"` draw labels with a planted structure;
#'   `"debian_tags"` (packages of Debian 12 with their tags) and `"emoji"` are bundled and real.
#' @param ... Arguments of Python's `make_label_hierarchy`, `make_zipf_labels`, `load_debian_tags`
#'   and `load_emoji`, such as `n_samples` and `random_state`. Whole numbers are passed as integers.
#' @return A list: `y` (all labels, of drawn data) or `x_train`, `y_train`, `x_test`, `y_test` as
#'   `dgCMatrix`, with names; `groups` of the labels, where known; `description`.
#' @examples
#' if (nnae_available()) {
#'   planted <- nnae_dataset("label_hierarchy", n_samples = 50, random_state = 0)
#'   dim(planted$y)
#' }
#' @export
nnae_dataset <- function(name = c("label_hierarchy", "zipf_labels", "debian_tags", "emoji"), ...) {
  loaders <- c(
    label_hierarchy = "make_label_hierarchy", zipf_labels = "make_zipf_labels",
    debian_tags = "load_debian_tags", emoji = "load_emoji"
  )
  name <- check_choice(name, "name", names(loaders))
  given <- whole_numbers(list(...))
  bunch <- call_python(do.call(nnae_module()$datasets[[loaders[[name]]]], given))
  part <- function(key, columns, rows) {
    value <- bunch$get(key)
    if (is_none(value)) {
      return(NULL)
    }
    if (!reticulate::py_has_attr(value, "tocsc")) {
      value <- reticulate::import("scipy.sparse", convert = FALSE)$csc_matrix(value)
    }
    from_scipy(value, list(texts(rows), texts(columns)))
  }
  texts <- function(key) {
    value <- bunch$get(key)
    if (is_none(value)) NULL else from_strings(value)
  }
  result <- list(
    y = part("Y", "label_names", "row_names"),
    x_train = part("X_train", "feature_names", "row_names_train"),
    y_train = part("Y_train", "label_names", "row_names_train"),
    x_test = part("X_test", "feature_names", "row_names_test"),
    y_test = part("Y_test", "label_names", "row_names_test"),
    groups = texts("groups"),
    description = as.character(reticulate::py_to_r(bunch$get("DESCR")))
  )
  result[!vapply(result, is.null, TRUE)]
}
