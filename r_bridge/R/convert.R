# Matrices between R and Python. Sparse ones never become dense; indices are 0-based on both sides.

# Any numeric, logical or pattern matrix, sparse or not, as dgCMatrix without NA; dimnames stay.
as_dgc <- function(x, name) {
  if (is.matrix(x)) {
    if (!is.numeric(x) && !is.logical(x)) {
      refuse("`%s` must hold numbers; got a %s matrix", name, typeof(x))
    }
    names_of_x <- dimnames(x)
    x <- Matrix::Matrix(x, sparse = TRUE, doDiag = FALSE)
  } else if (!is(x, "Matrix")) {
    refuse("`%s` must be a matrix or one of package Matrix; got %s", name, class(x)[1])
  } else {
    names_of_x <- dimnames(x) # of both sides also where one is stored, as in symmetric matrices
  }
  if (!is(x, "dgCMatrix")) {
    x <- as(as(as(x, "CsparseMatrix"), "generalMatrix"), "dMatrix")
  }
  x@Dimnames <- if (is.null(names_of_x)) list(NULL, NULL) else unname(names_of_x)
  if (anyNA(x@x)) {
    at <- which(is.na(x@x))[1]
    refuse("`%s` must not hold NA; row %d does", name, x@i[at] + 1L)
  }
  x
}

# dgCMatrix -> scipy's csr_matrix of doubles.
to_scipy <- function(x) {
  sparse <- reticulate::import("scipy.sparse", convert = FALSE)
  array <- reticulate::np_array # keeps an array of length one an array
  parts <- reticulate::tuple(array(x@x), array(x@i), array(x@p))
  sparse$csc_matrix(parts, shape = reticulate::tuple(nrow(x), ncol(x)))$tocsr()
}

# Any scipy matrix -> dgCMatrix.
from_scipy <- function(x, dimnames = list(NULL, NULL)) {
  x <- x$tocsc()
  if (!isTRUE(reticulate::py_to_r(x$has_canonical_format))) {
    x <- x$copy()
    x$sum_duplicates()
  }
  if (as.double(reticulate::py_to_r(x$nnz)) > .Machine$integer.max) {
    stop("a dgCMatrix cannot hold more than 2^31 - 1 numbers", call. = FALSE)
  }
  new(
    "dgCMatrix",
    i = as.integer(from_numpy(x$indices, "int32")),
    p = as.integer(from_numpy(x$indptr, "int32")),
    x = as.double(from_numpy(x$data, "float64")),
    Dim = as.integer(unlist(reticulate::py_to_r(x$shape))),
    Dimnames = dimnames
  )
}

# A numpy vector -> R's.
from_numpy <- function(x, dtype = "float64") {
  numpy <- reticulate::import("numpy", convert = FALSE)
  as.vector(reticulate::py_to_r(numpy$ascontiguousarray(x, dtype = dtype)))
}

# A numpy matrix -> R's, with names.
from_numpy_matrix <- function(x, dimnames = NULL) {
  numpy <- reticulate::import("numpy", convert = FALSE)
  shape <- as.integer(unlist(reticulate::py_to_r(x$shape)))
  values <- from_numpy(numpy$asarray(x, dtype = "float64")$ravel(order = "F"))
  matrix(as.double(values), shape[1], shape[2], dimnames = dimnames)
}

# A dense R matrix -> numpy's, a copy in row order.
as_numpy <- function(x, name) {
  if (!is.numeric(x) && !is.logical(x)) {
    refuse("`%s` must hold numbers; got a %s matrix", name, typeof(x))
  }
  if (anyNA(x)) {
    refuse("`%s` must not hold NA; row %d does", name, which(rowSums(is.na(x)) > 0)[1])
  }
  reticulate::np_array(unname(x), dtype = "float64", order = "C")
}

# An array, list or index of Python's strings -> character.
from_strings <- function(x) {
  builtins <- reticulate::import_builtins(convert = FALSE)
  as.character(unlist(reticulate::py_to_r(builtins$list(builtins$map(builtins$str, x)))))
}

# A pandas data frame -> data.frame; None and NaN become NA.
from_pandas <- function(x, columns = from_strings(x$columns)) {
  result <- lapply(columns, function(column) from_series(x$`__getitem__`(column)))
  names(result) <- columns
  as.data.frame(result, stringsAsFactors = FALSE, optional = TRUE)
}

from_series <- function(x) {
  kind <- reticulate::py_to_r(x$dtype$kind)
  if (kind == "b") {
    return(as.logical(from_numpy(x, "int32")))
  }
  if (kind %in% c("i", "u")) {
    values <- from_numpy(x, "float64")
    return(if (all(abs(values) <= .Machine$integer.max)) as.integer(values) else values)
  }
  if (kind == "f") {
    values <- as.double(from_numpy(x, "float64"))
    values[is.nan(values)] <- NA
    return(values)
  }
  from_mixed(x$tolist())
}

# A list of strings, numbers and None.
from_mixed <- function(x) {
  values <- lapply(as.list(reticulate::py_to_r(x)), function(value) {
    if (is.null(value) || (is.double(value) && is.nan(value))) NA else value
  })
  if (length(values)) unlist(values) else character()
}
