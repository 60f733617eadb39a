# What users have by chance: each has a result, or one line that names the argument.

fit <- function(x, y, ...) nnae_two_step(x, y, profile = "fast", random_state = 0, ...)

small_problem <- function() {
  y <- nnae_dataset("label_hierarchy", n_samples = 120, random_state = 0)$y
  even <- seq(2, ncol(y), 2)
  list(x = as.matrix(y[, even]), y = as.matrix(y[, -even]))
}

test_that("numbers of every kind give the same model", {
  skip_if_no_nnae()
  data <- small_problem()
  expected <- predict(fit(data$x, data$y), data$x, type = "scores")
  integers <- data$y
  storage.mode(integers) <- "integer"
  for (y in list(integers, data$y > 0, methods::as(data$y, "CsparseMatrix") > 0)) {
    expect_identical(predict(fit(data$x, y), data$x, type = "scores"), expected)
  }
  counts <- data$x
  storage.mode(counts) <- "integer"
  for (x in list(counts, data$x > 0)) {
    expect_identical(predict(fit(x, data$y), x, type = "scores"), expected)
  }
  expect_identical(
    predict(fit(as.data.frame(data$x), as.data.frame(data$y)), as.data.frame(data$x), "scores"),
    expected
  )
})

test_that("NA is refused in features and in labels", {
  skip_if_no_nnae()
  data <- small_problem()
  model <- fit(data$x, data$y)
  spoiled <- data$x
  spoiled[5, 2] <- NA
  expect_error(fit(spoiled, data$y), "^`x` must not hold NA; row 5 does$")
  expect_error(predict(model, spoiled), "^`newdata` must not hold NA; row 5 does$")
  sparse <- methods::as(data$x, "CsparseMatrix")
  sparse[7, 1] <- NA
  expect_error(fit(sparse, data$y), "^`x` must not hold NA; row 7 does$")
  frame <- as.data.frame(data$x)
  frame[9, 3] <- NA
  column <- dQuote(names(frame)[3], FALSE)
  expect_error(fit(frame, data$y), paste0("^`x` must not hold NA; column ", column, " does$"))
  labels <- data$y
  labels[3, 1] <- NA
  expect_error(fit(data$x, labels), "^`y` must not hold NA; row 3 does$")
  expect_error(fit(data$x, c(NA, rep("a", 119))), "^`y` must not hold NA; element 1 is$")
  expect_error(nnae_nmf(labels > 0, 2), "^`y` must not hold NA; row 3 does$")
  expect_error(nnae_dependencies(labels), "^`y` must not hold NA; row 3 does$")
})

test_that("infinite and negative numbers, text and lists are refused", {
  skip_if_no_nnae()
  data <- small_problem()
  x <- data$x
  x[2, 2] <- Inf
  expect_error(fit(x, data$y), "X must hold finite numbers|infinity|finite")
  expect_error(fit(data$x, data$y - 1), "^Y must be non-negative")
  expect_error(fit(matrix("a", 120, 2), data$y), "^`x` must hold numbers; got a character matrix$")
  expect_error(fit(list(1, 2), data$y), "^`x` must be a matrix or one of package Matrix; got list$")
  expect_error(fit(data$x, matrix("a", 120, 2)), "^`y` must hold numbers; got a character matrix$")
  expect_error(fit(data$x), "argument \"y\" is missing")
  expect_error(fit(data$x, NULL), "^`y` must be a matrix or one of package Matrix; got NULL$")
})

test_that("factors are labels on the left and dummies on the right", {
  skip_if_no_nnae()
  model <- fit(iris["Species"], iris$Species)
  expect_identical(model$labels, levels(iris$Species))
  expect_identical(predict(model, iris["Species"], k = 1)$label, as.character(iris$Species))
  ordered <- factor(iris$Species, ordered = TRUE)
  expect_identical(as_label_matrix(ordered), as_label_matrix(as.character(iris$Species)))
  unused <- factor(c("a", "b", "a"), levels = c("a", "b", "never"))
  expect_identical(colnames(as_label_matrix(unused)), c("a", "b"))
})

test_that("no rows: refused by two-step models, empty codes of compressors", {
  skip_if_no_nnae()
  data <- small_problem()
  expect_error(fit(data$x[0, ], data$y[0, ]), "^`x` must have at least one row$")
  expect_error(fit(iris[0, ], iris$Species), "^`x` must have at least one row$")
  no_flowers <- cbind(iris, labels = "a")[0, ]
  expect_error(fit(labels ~ ., no_flowers), "^`data` must have at least one row$")
  expect_error(nnae_nmf(list(), 2), "^Y must have at least one row")
  model <- fit(data$x, data$y)
  none <- data$x[0, , drop = FALSE]
  expect_error(predict(model, none), "^`newdata` must have at least one row$")
  expect_error(nnae_explain(model, none, 1), "^`x` must have at least one row$")
  compressor <- nnae_step_one(model)
  expect_identical(dim(predict(compressor, data$y[0, ])), c(0L, model$widths[1]))
  expect_identical(nrow(augment(compressor, data$y[0, ])), 0L)
})

test_that("one row, one feature and one label have results", {
  skip_if_no_nnae()
  data <- small_problem()
  one_feature <- fit(data$x[, 1, drop = FALSE], data$y)
  expect_identical(dim(coef(one_feature))[1], 2L)
  expect_identical(nrow(predict(one_feature, data$x[1, 1, drop = FALSE], k = 1)), 1L)
  one_label <- fit(data$x, data$y[, 1, drop = FALSE])
  expect_identical(unique(predict(one_label, data$x[1:3, ])$label), colnames(data$y)[1])
  expect_identical(dim(predict(one_label, data$x[1:3, ], type = "response")), c(3L, 1L))
  frame <- data.frame(a = data$x[, 1], labels = ifelse(data$y[, 1] > 0, "yes", "no"))
  expect_identical(fit(labels ~ a, frame)$labels, c("no", "yes"))
  vector <- fit(target ~ a, data.frame(a = data$x[, 1], target = data$y[, 1]))
  expect_identical(vector$labels, "target")
})

test_that("rows without any label, and labels without any row, have results", {
  skip_if_no_nnae()
  data <- small_problem()
  data$y[1:20, ] <- 0
  data$y[, 4] <- 0
  model <- fit(data$x, data$y)
  expect_identical(length(model$labels), 36L)
  expect_true(all(is.finite(predict(model, data$x, type = "scores"))))
  expect_true(colnames(data$y)[4] %in% nnae_hierarchy(model)$unplaced)
})

test_that("groups are held out together, and are checked", {
  skip_if_no_nnae()
  data <- small_problem()
  source <- rep(letters[1:24], 5)
  model <- nnae_two_step(data$x, data$y, groups = source, random_state = 0)
  twin <- nnae_module()$TwoStepClassifier(random_state = 0L)$fit(
    as_numpy(data$x, "x"), to_scipy(as_dgc(data$y, "y")),
    groups = reticulate::r_to_py(as.list(source))
  )
  scores <- from_numpy_matrix(twin$decision_function(as_numpy(data$x, "x")))
  expect_identical(unname(predict(model, data$x, type = "scores")), scores)
  by_formula <- nnae_two_step(as.data.frame(data$x), data$y, groups = source, random_state = 0)
  expect_identical(predict(by_formula, type = "scores"), predict(model, type = "scores"))
  expect_error(
    nnae_two_step(data$x, data$y, groups = 1:3), "^`groups` must hold the groups of 120 rows; got"
  )
})
