# Labels in any form that R users have become one dgCMatrix, examples x labels, with names.

# `known`: the labels of a model; the result then has exactly these columns.
as_label_matrix <- function(y, name = "y", sep = ",", known = NULL) {
  if (inherits(y, "transactions")) { # of package arules: items x transactions
    items <- as.character(y@itemInfo$labels)
    y <- Matrix::t(as_dgc(y@data, name))
    colnames(y) <- items
  }
  if (is.data.frame(y)) {
    y <- labels_of_frame(y, name)
  }
  if (is.factor(y) || is.character(y) && !is.matrix(y)) {
    y <- split_labels(y, name, sep)
  }
  if (is.list(y)) {
    return(incidence(y, name, known))
  }
  y <- as_dgc(y, name)
  if (is.null(known)) y else match_columns(y, known, name)
}

# A data frame holds either one column of lists or text, or one numeric column a label.
labels_of_frame <- function(y, name) {
  rows <- if (.row_names_info(y) > 0) rownames(y)
  if (ncol(y) == 1 && (is.list(y[[1]]) || is.character(y[[1]]) || is.factor(y[[1]]))) {
    column <- y[[1]]
    if (is.factor(column)) column <- as.character(column)
    return(stats::setNames(column, rows))
  }
  odd <- !vapply(y, function(column) is.numeric(column) || is.logical(column), TRUE)
  if (any(odd)) {
    refuse(
      "`%s` must have numeric or logical columns, one a label; column %s is a %s", name,
      dQuote(names(y)[odd][1], FALSE), class(y[[which(odd)[1]]])[1]
    )
  }
  result <- as.matrix(y)
  dimnames(result) <- list(rows, names(y))
  result
}

split_labels <- function(y, name, sep) {
  rows <- names(y)
  y <- as.character(y)
  if (anyNA(y)) refuse("`%s` must not hold NA; element %d is", name, which(is.na(y))[1])
  stats::setNames(lapply(strsplit(y, check_text(sep, "sep"), fixed = TRUE), trimws), rows)
}

incidence <- function(y, name, known) {
  is_names <- vapply(y, function(row) is.character(row) || is.factor(row) || !length(row), TRUE)
  if (!all(is_names)) {
    at <- which(!is_names)[1]
    refuse("`%s` must hold character vectors; element %d is %s", name, at, shown(y[[at]]))
  }
  rows <- rep.int(seq_along(y), lengths(y))
  items <- enc2utf8(as.character(unlist(lapply(y, as.character), use.names = FALSE)))
  if (anyNA(items)) refuse("`%s` must not hold NA; element %d does", name, rows[is.na(items)][1])
  kept <- nzchar(items)
  rows <- rows[kept]
  items <- items[kept]
  if (is.null(known)) {
    known <- sort(unique(items), method = "radix") # by code point, as Python sorts
  }
  columns <- match(items, known)
  if (anyNA(columns)) {
    unknown <- unique(items[is.na(columns)])
    warning(sprintf(
      "%d labels were not seen in training and are ignored, such as %s",
      length(unknown), dQuote(unknown[1], FALSE)
    ), call. = FALSE)
    rows <- rows[!is.na(columns)]
    columns <- columns[!is.na(columns)]
  }
  cells <- unique(cbind(rows, columns))
  Matrix::sparseMatrix(
    i = cells[, 1], j = cells[, 2], x = rep(1, nrow(cells)), dims = c(length(y), length(known)),
    dimnames = list(names(y), known), repr = "C"
  )
}

match_columns <- function(x, known, name) {
  if (!is.null(colnames(x)) && setequal(colnames(x), known)) {
    return(x[, match(known, colnames(x)), drop = FALSE])
  }
  if (ncol(x) != length(known)) {
    refuse("`%s` has %d columns, the model has %d", name, ncol(x), length(known))
  }
  numbered <- identical(known, as.character(seq_along(known) - 1L))
  if (!is.null(colnames(x)) && !numbered) {
    refuse(
      "the columns of `%s` must be those of the model; %s is not one", name,
      dQuote(setdiff(colnames(x), known)[1], FALSE)
    )
  }
  x
}

# With names a data frame of sparse columns, which carries them; else scipy's matrix.
to_python_labels <- function(y) {
  matrix <- to_scipy(y)
  if (is.null(colnames(y)) || !ncol(y)) {
    return(matrix)
  }
  if (anyDuplicated(colnames(y))) {
    twice <- colnames(y)[duplicated(colnames(y))][1]
    refuse("label names must be unique; %s occurs more than once", dQuote(twice, FALSE))
  }
  frame <- reticulate::import("pandas", convert = FALSE)$DataFrame
  frame$sparse$from_spmatrix(matrix, columns = as.list(colnames(y)))
}
