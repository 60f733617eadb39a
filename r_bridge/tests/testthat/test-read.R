test_that("what is written comes back, names and values", {
  skip_if_no_nnae()
  set.seed(3)
  x <- Matrix::rsparsematrix(6, 4, 0.5)
  y <- methods::as(Matrix::rsparsematrix(6, 3, 0.5) != 0, "dMatrix")
  for (format in c("svmlight", "xmc")) {
    path <- nnae_write(x, y, tempfile(fileext = ".txt"), format)
    back <- nnae_read(path, format = format)
    expect_equal(as.matrix(back$x)[, seq_len(ncol(back$x))], as.matrix(x)[, seq_len(ncol(back$x))],
      tolerance = 1e-6, ignore_attr = TRUE, info = format
    )
    expect_equal(as.matrix(back$y), as.matrix(y)[, seq_len(ncol(back$y))], ignore_attr = TRUE)
  }
  expect_identical(nnae_detect_format(path), "xmc")
  baskets <- list(first = c("egg", "flour"), second = "leek")
  path <- nnae_write(y = baskets, path = tempfile(fileext = ".csv"), format = "transactions")
  back <- nnae_read(path)
  expect_null(back$x)
  expect_identical(colnames(back$y), c("egg", "flour", "leek"))
  expect_equal(as.matrix(back$y), as.matrix(as_label_matrix(baskets)), ignore_attr = TRUE)
})

test_that("options reach the reader and mistakes are told in one line", {
  skip_if_no_nnae()
  path <- tempfile(fileext = ".csv")
  writeLines(c("body,tags", "an egg,a|b", "a leek,b", "an egg,a"), path)
  data <- nnae_read(path, text = "body", labels = "tags", label_delimiter = "|")
  expect_identical(colnames(data$y), c("a", "b"))
  expect_true("egg" %in% colnames(data$x))
  expect_error(nnae_read(path, format = "xml"), "^format must be")
  expect_error(nnae_read(tempfile()), "^`path` must be a file; there is no ")
  expect_error(nnae_write(y = list("a"), path = path, format = "arff"), "^`format` must be one of")
  expect_error(nnae_write(y = list("a"), path = path, format = "xmc"), "^`x` must be a matrix")
})

test_that("versions are told", {
  skip_if_no_nnae()
  found <- nnae_versions()
  expect_true(all(c("reticulate", "numpy", "kernels") %in% found$name))
  expect_identical(found$version[found$name == "nnae"], as.character(nnae_module()$`__version__`))
})
