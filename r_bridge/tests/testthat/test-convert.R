round_trip <- function(x) {
  sparse <- as_dgc(x, "x")
  from_scipy(to_scipy(sparse), dimnames(sparse))
}

test_that("every class of Matrix crosses and comes back with its values and names", {
  skip_if_no_nnae()
  set.seed(1)
  general <- Matrix::rsparsematrix(7, 5, 0.4, dimnames = list(letters[1:7], LETTERS[1:5]))
  square <- Matrix::rsparsematrix(6, 6, 0.4)
  named <- matrix(c(1, 2, 0, 2, 0, 3, 0, 3, 4), 3, dimnames = list(c("a", "b", "c"), NULL))
  colnames(named) <- rownames(named)
  many <- list(
    general,
    general != 0, # lgC
    as(general != 0, "nMatrix"), # ngC
    as(general, "RsparseMatrix"),
    as(general, "TsparseMatrix"),
    Matrix::forceSymmetric(square), # dsC
    as(Matrix::forceSymmetric(square), "TsparseMatrix"),
    Matrix::triu(square), # dtC
    as(Matrix::tril(square), "RsparseMatrix"),
    Matrix::Diagonal(4), # ddi with an implicit diagonal
    Matrix::Diagonal(3, c(1, 0, 3)),
    Matrix::Diagonal(2, c(TRUE, FALSE)),
    as(3:1, "pMatrix"),
    Matrix::Matrix(named, sparse = TRUE), # dsC with names on one side
    Matrix::Matrix(stats::rnorm(6), 2, 3), # dge
    matrix(c(TRUE, FALSE, TRUE, TRUE), 2),
    matrix(0:5, 2, dimnames = list(NULL, c("x", "y", "z"))),
    matrix(5, 1, 1),
    matrix(0, 3, 2),
    matrix(0, 0, 4),
    matrix(0, 4, 0)
  )
  for (x in many) {
    expected <- as.matrix(x) * 1
    back <- round_trip(x)
    expect_s4_class(back, "dgCMatrix")
    expect_equal(as.matrix(back), expected, info = class(x)[1])
    expect_true(methods::validObject(back))
  }
})

test_that("duplicate and unsorted entries are summed and sorted on both sides", {
  skip_if_no_nnae()
  triplets <- new("dgTMatrix",
    i = c(2L, 0L, 2L, 1L), j = c(1L, 1L, 1L, 0L), x = c(1, 2, 3, 4), Dim = c(3L, 2L)
  )
  expect_equal(as.matrix(round_trip(triplets)), rbind(c(0, 2), c(4, 0), c(0, 4)))
  twice_true <- new("lgTMatrix", i = c(0L, 0L), j = c(0L, 0L), x = c(TRUE, TRUE), Dim = c(1L, 1L))
  expect_equal(round_trip(twice_true)@x, 1)
  sparse <- reticulate::import("scipy.sparse", convert = FALSE)
  array <- reticulate::np_array
  messy <- sparse$csc_matrix(
    reticulate::tuple(array(c(1, 2, 3)), array(c(2L, 0L, 2L)), array(c(0L, 3L))),
    shape = reticulate::tuple(3L, 1L)
  )
  back <- from_scipy(messy)
  expect_identical(back@i, c(0L, 2L))
  expect_identical(back@x, c(2, 4))
})

test_that("NA and what is no numeric matrix are refused in one line that names the argument", {
  expect_error(as_dgc(matrix(c(1, NA, 0, 1), 2), "x"), "^`x` must not hold NA; row 2 does$")
  expect_error(as_dgc(Matrix::Matrix(c(0, 0, NA, 0), 2, sparse = TRUE), "x"), "row 1 does")
  expect_error(as_dgc(matrix(c(TRUE, NA), 1), "y"), "^`y` must not hold NA")
  expect_error(as_dgc(matrix("a"), "x"), "^`x` must hold numbers; got a character matrix$")
  expect_error(as_dgc("a", "x"), "^`x` must be a matrix or one of package Matrix; got character$")
  expect_error(as_numpy(matrix(c(1, 2, NA), 3), "x"), "row 3 does$")
})

test_that("a large matrix crosses both ways identical and quickly", {
  skip_if_no_nnae()
  skip_on_cran()
  set.seed(2)
  n <- 50000L
  l <- 20000L
  x <- Matrix::sparseMatrix(
    i = sample.int(n, 1e6, TRUE), j = sample.int(l, 1e6, TRUE), x = stats::runif(1e6),
    dims = c(n, l), dimnames = list(NULL, paste0("label", seq_len(l)))
  )
  round_trip(x[1:10, ]) # imports
  seconds <- system.time(back <- round_trip(x))[["elapsed"]]
  expect_identical(back, x)
  expect_lt(seconds, 5) # about 0.5 s on an idle machine
})

test_that("data frames of pandas come with NA where Python has None or NaN", {
  skip_if_no_nnae()
  pandas <- reticulate::import("pandas", convert = FALSE)
  frame <- pandas$DataFrame(reticulate::dict(
    text = list("a", NULL), real = list(1.5, NaN), whole = list(1L, 2L), yes = list(TRUE, FALSE),
    mixed = list(NULL, 3)
  ))
  expect_identical(from_pandas(frame), data.frame(
    text = c("a", NA), real = c(1.5, NA), whole = 1:2, yes = c(TRUE, FALSE), mixed = c(NA, 3)
  ))
  expect_identical(from_strings(pandas$Index(list("only"))), "only")
})
