#' Read and write multi-label data
#'
#' @param path File to read or write; `.gz` is unpacked and packed.
#' @param format `"auto"`: by the file's ending, then by its first line; or `"arff"`, `"coco"`,
#'   `"npz"`, `"svmlight"`, `"text_table"`, `"transactions"`, `"xmc"`. `nnae_write` has
#'   `"svmlight"`, `"transactions"` and `"xmc"`.
#' @param ... Options of the format, those of Python's `nnae.io.read_*` and `nnae.io.write_*`, such
#'   as `text = "body", labels = "tags", label_delimiter = "|"` of a text table. Whole numbers are
#'   passed as integers.
#' @param x Features, a matrix or one of package Matrix; NULL for `"transactions"`, and where there
#'   are none for `"svmlight"`.
#' @param y Labels, in any form that [nnae_nmf()] takes.
#' @return `nnae_read`: a list with `x` (NULL where the format holds labels only) and `y`, both
#'   `dgCMatrix` with names, `groups` of the labels where the format has them, and `description`.
#'   `nnae_write`: the path, invisibly. `nnae_detect_format`: the format.
#' @examples
#' if (nnae_available()) {
#'   path <- tempfile(fileext = ".csv")
#'   nnae_write(y = list(c("egg", "flour"), "leek"), path = path, format = "transactions")
#'   nnae_detect_format(path)
#'   nnae_read(path)$y
#' }
#' @export
nnae_read <- function(path, format = "auto", ...) {
  path <- path.expand(check_text(path, "path"))
  if (!file.exists(path)) refuse("`path` must be a file; there is no %s", path)
  options <- whole_numbers(list(...))
  arguments <- c(list(path, check_text(format, "format")), options)
  data <- call_python(do.call(nnae_module()$io$read, arguments))
  texts <- function(value) {
    if (!inherits(value, "python.builtin.NoneType")) from_strings(value)
  }
  rows <- texts(data$ids)
  part <- function(value, columns) {
    if (!inherits(value, "python.builtin.NoneType")) from_scipy(value, list(rows, texts(columns)))
  }
  list(
    x = part(data$X, data$feature_names),
    y = part(data$Y, data$label_names),
    groups = texts(data$groups),
    description = as.character(reticulate::py_to_r(data$DESCR))
  )
}

#' @rdname nnae_read
#' @export
nnae_write <- function(x = NULL, y, path, format, ...) {
  path <- path.expand(check_text(path, "path"))
  format <- check_choice(format, "format", c("svmlight", "transactions", "xmc"))
  labels <- as_label_matrix(y, "y")
  options <- whole_numbers(list(...))
  if (is.null(options$label_names) && !is.null(colnames(labels)) && format == "transactions") {
    options$label_names <- as.list(colnames(labels))
  }
  features <- if (!is.null(x)) to_scipy(as_dgc(x, "x"))
  if (format == "transactions" && !is.null(x)) {
    refuse("`x` must be NULL: transactions hold labels only")
  }
  if (format == "xmc" && is.null(x)) refuse("`x` must be a matrix of features; got NULL")
  given <- if (format == "transactions") {
    list(path, to_scipy(labels))
  } else {
    list(path, features, to_scipy(labels))
  }
  write <- nnae_module()$io[[paste0("write_", format)]]
  call_python(do.call(write, c(given, options)))
  invisible(path)
}

#' @rdname nnae_read
#' @export
nnae_detect_format <- function(path) {
  path <- path.expand(check_text(path, "path"))
  as.character(reticulate::py_to_r(call_python(nnae_module()$io$detect_format(path))))
}

# R's whole numbers are Python's floats: make them integers where they are one number.
whole_numbers <- function(values) {
  lapply(values, function(value) {
    whole <- is.numeric(value) && length(value) == 1 && !is.na(value) && value == round(value)
    if (whole && abs(value) <= .Machine$integer.max) as.integer(value) else value
  })
}

#' Versions of everything that a result may depend on
#'
#' @return A data frame with the columns `name` and `version`.
#' @examples
#' if (nnae_available()) {
#'   head(nnae_versions())
#' }
#' @export
nnae_versions <- function() {
  text <- reticulate::import("io", convert = FALSE)$StringIO()
  nnae_module()$show_versions(text)
  lines <- strsplit(as.character(reticulate::py_to_r(text$getvalue())), "\n")[[1]]
  data.frame(
    name = c("R's nnae", "reticulate", sub(" .*", "", lines)),
    version = c(
      as.character(utils::packageVersion("nnae")),
      as.character(utils::packageVersion("reticulate")), sub("^[^ ]+ +", "", lines)
    )
  )
}
