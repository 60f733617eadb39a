# Features in the forms that R users have become a matrix, and the same columns again for new rows.

# What has to be remembered of the training features to encode new ones.
matrix_encoding <- function(x) list(kind = "matrix", names = colnames(x), columns = ncol(x))

frame_encoding <- function(terms, data, name) {
  frame <- model_frame(terms, data, name)
  list(
    kind = "frame", terms = attr(frame, "terms"),
    levels = stats::.getXlevels(attr(frame, "terms"), frame),
    sparse = !all(vapply(frame, is.numeric, TRUE))
  )
}

model_frame <- function(terms, data, name, levels = NULL) {
  frame <- stats::model.frame(terms, data, na.action = stats::na.pass, xlev = levels)
  for (column in names(frame)) {
    if (anyNA(frame[[column]])) {
      refuse("`%s` must not hold NA; column %s does", name, dQuote(column, FALSE))
    }
  }
  frame
}

# Features as matrix or dgCMatrix. Data frames with factors become sparse.
encode_features <- function(encoding, x, name) {
  if (length(dim(x)) == 2 && !nrow(x)) refuse("`%s` must have at least one row", name)
  encode <- if (encoding$kind == "frame") encode_frame else encode_matrix
  encode(encoding, x, name)
}

encode_frame <- function(encoding, x, name) {
  if (!is.data.frame(x)) refuse("`%s` must be a data frame; got %s", name, class(x)[1])
  missing <- setdiff(all.vars(encoding$terms), names(x))
  if (length(missing)) refuse("`%s` has no column %s", name, dQuote(missing[1], FALSE))
  frame <- model_frame(encoding$terms, x, name, encoding$levels)
  build <- if (encoding$sparse) Matrix::sparse.model.matrix else stats::model.matrix
  design <- build(encoding$terms, frame)
  result <- design[, colnames(design) != "(Intercept)", drop = FALSE]
  if (.row_names_info(x) <= 0) rownames(result) <- NULL
  result
}

encode_matrix <- function(encoding, x, name) {
  if (is.data.frame(x)) x <- as.matrix(x)
  if (is.matrix(x)) {
    as_numpy(x, name) # refuses text and NA
  } else {
    x <- as_dgc(x, name)
  }
  if (!is.null(encoding$names) && !is.null(colnames(x))) {
    at <- match(encoding$names, colnames(x))
    if (anyNA(at)) {
      refuse("`%s` has no column %s", name, dQuote(encoding$names[is.na(at)][1], FALSE))
    }
    return(x[, at, drop = FALSE])
  }
  if (ncol(x) != encoding$columns) {
    refuse("`%s` has %d columns, the model has %d", name, ncol(x), encoding$columns)
  }
  x
}

to_python_features <- function(x, name) {
  if (is.matrix(x)) as_numpy(x, name) else to_scipy(as_dgc(x, name))
}
