planted_problem <- function() {
  y <- nnae_dataset("label_hierarchy", n_samples = 300, random_state = 0)$y
  even <- seq(2, ncol(y), 2)
  list(x = y[, even], y = y[, -even])
}

test_that("defaults are those of the Python class", {
  skip_if_no_nnae()
  inspect <- reticulate::import("inspect", convert = FALSE)
  signature <- inspect$signature(nnae_module()$TwoStepClassifier)$parameters
  here <- formals(nnae_two_step.default)
  ours <- c("x", "y", "sample_weight", "groups", "sep", "keep_x", "...")
  expect_true(all(setdiff(names(here), ours) %in% from_strings(signature)))
  for (name in intersect(from_strings(signature), names(here))) {
    expect_equal(eval(here[[name]]), reticulate::py_to_r(signature$get(name)$default), info = name)
  }
})

test_that("it learns, and gives the bits that Python gives", {
  skip_if_no_nnae()
  data <- planted_problem()
  train <- 1:200
  model <- nnae_two_step(data$x[train, ], data$y[train, ], random_state = 1)
  twin <- nnae_module()$TwoStepClassifier(random_state = 1L, n_threads = 1L)$fit(
    to_scipy(data$x[train, ]), to_scipy(data$y[train, ])
  )
  new <- data$x[-train, ]
  best <- predict(model, new, k = 3)
  found <- twin$predict_topk(to_scipy(new), k = 3L)
  expect_identical(best$score, as.vector(t(from_numpy_matrix(found[1L]))))
  places <- as.integer(t(from_numpy_matrix(found[0L]))) + 1L
  expect_identical(match(best$label, model$labels), places)
  hits <- data$y[-train, ][cbind(best$row, match(best$label, model$labels))][best$rank == 1]
  expect_gt(mean(hits), 1.5 * max(Matrix::colMeans(data$y)))
  budget <- nnae_error_budget(model, new, data$y[-train, ])
  expect_equal(budget["predicted", "P@1"], mean(hits))
  measured <- nnae_evaluate(model, new, data$y[-train, ], at = c(1, 3))
  expect_identical(names(measured), c("measure", "k", "value", "standard_error"))
  expect_equal(subset(measured, measure == "precision" & k == 1)$value, mean(hits))
  expect_error(nnae_evaluate(model, new), "^`y` must hold the labels of `newdata`")
  expect_error(nnae_evaluate(model, new, data$y[-train, ], at = 1.5), "^`at` must be one whole")
  expect_error(nnae_evaluate(model, new, data$y[-train, ], at = 0), "at")
  expect_error(nnae_evaluate(list(), new), "^`object` must come from nnae_two_step\\(\\); got list")
  expect_equal(budget["ceiling", ] - budget["predicted", ], budget["lost", ], ignore_attr = TRUE)
})

test_that("labels, probabilities, scores and their best few agree", {
  skip_if_no_nnae()
  data <- planted_problem()
  rownames(data$x) <- paste0("row", seq_len(nrow(data$x)))
  model <- nnae_two_step(
    data$x, data$y,
    random_state = 0, profile = "fast", decoder = "linear"
  )
  scores <- predict(model, data$x[1:20, ], type = "scores")
  expect_identical(dimnames(scores), list(rownames(data$x)[1:20], colnames(data$y)))
  sets <- predict(model, data$x[1:20, ], type = "labels")
  expect_s4_class(sets, "dgCMatrix")
  expect_equal(as.matrix(sets), (scores > model$threshold) * 1)
  few <- predict(model, data$x[1:20, ], type = "scores", top_k = 2)
  expect_true(all(Matrix::rowSums(few != 0) <= 2))
  best <- predict(model, data$x[1:20, ], k = 1)
  expect_equal(best$score, unname(apply(scores, 1, max)))
  expect_identical(best$row, rownames(scores))
  expect_equal(nrow(predict(model, data$x[1, , drop = FALSE], k = 100)), ncol(data$y))
  expect_identical(fitted(model), predict(model, data$x, type = "response"))
  expect_equal(residuals(model), as.matrix(data$y) - fitted(model), ignore_attr = TRUE)
  expect_equal(predict(model, as.matrix(data$x[1:20, 36:1]), type = "scores"), scores)
  high <- predict(model, data$x[1:3, ], k = 2, level = 2)
  expect_equal(nrow(high), 6)
  for (level in 1:2) {
    codes <- predict(model, data$x[1:3, ], type = "codes", level = level)
    expect_identical(dim(codes), c(3L, model$widths[level]))
    rates <- codes %*% coef(nnae_step_one(model), level = level)
    best <- predict(model, data$x[1:3, ], k = 1, level = level)
    expect_equal(best$score, unname(apply(rates, 1, max)))
  }
  slopes <- coef(model)
  expect_identical(dim(slopes), c(37L, sum(model$widths)))
  expect_equal(nrow(tidy(model)), length(slopes))
})

test_that("formula, data frame and matrix interfaces fit the same model", {
  skip_if_no_nnae()
  text <- vapply(seq_len(150), function(i) {
    paste(c(as.character(iris$Species[i]), if (iris$Petal.Width[i] > 1) "wide"), collapse = "|")
  }, "")
  frame <- iris[1:4]
  by_matrix <- nnae_two_step(as.matrix(frame), text, sep = "|", random_state = 0)
  by_frame <- nnae_two_step(frame, text, sep = "|", random_state = 0)
  frame$labels <- text
  by_text <- nnae_two_step(labels ~ ., frame, sep = "|", random_state = 0)
  frame$labels <- strsplit(text, "|", fixed = TRUE)
  by_list <- nnae_two_step(labels ~ ., frame, random_state = 0)
  frame$labels <- as.matrix(as_label_matrix(text, sep = "|"))
  by_columns <- nnae_two_step(labels ~ ., frame, random_state = 0)
  expected <- predict(by_matrix, k = 2)
  for (model in list(by_frame, by_text, by_list, by_columns)) {
    expect_identical(model$labels, c("setosa", "versicolor", "virginica", "wide"))
    expect_equal(predict(model, k = 2), expected)
    expect_equal(predict(model, iris[c(1, 150), ], k = 1)$label[1], "setosa")
  }
  expect_equal(nrow(augment(by_text, iris)), 150)
  expect_identical(names(augment(by_text, iris)), c(names(iris), ".label", ".score"))
})

test_that("a formula has a subset, and may be named", {
  skip_if_no_nnae()
  flowers <- cbind(iris, labels = as.character(iris$Species))
  flowers$Species <- NULL
  part <- nnae_two_step(labels ~ ., flowers[51:150, ], random_state = 0, profile = "fast")
  by_rows <- nnae_two_step(
    formula = labels ~ ., data = flowers, subset = 51:150, random_state = 0, profile = "fast"
  )
  by_test <- nnae_two_step(
    labels ~ ., flowers,
    subset = labels != "setosa", random_state = 0, profile = "fast"
  )
  for (model in list(by_rows, by_test)) {
    expect_identical(model$labels, c("versicolor", "virginica"))
    expect_identical(predict(model, flowers, k = 1), predict(part, flowers, k = 1))
  }
  expect_error(nnae_two_step(labels ~ ., flowers, subset = TRUE), "^`subset` must say of 150 rows")
  expect_error(nnae_two_step(labels ~ ., flowers, subset = c(1, NA)), "^`subset` must not hold NA")
})

test_that("factors and transformed columns are encoded again for new rows", {
  skip_if_no_nnae()
  sets <- ifelse(iris$Species == "setosa", "a", "b")
  model <- nnae_two_step(labels ~ Species + log(Sepal.Length),
    cbind(iris, labels = sets),
    random_state = 0
  )
  expect_identical(model$features, c("Speciesversicolor", "Speciesvirginica", "log(Sepal.Length)"))
  expect_s4_class(model$x, "dgCMatrix")
  one <- iris[101, ]
  one$Species <- as.character(one$Species)
  expect_identical(predict(model, one, k = 1)$label, "b")
  one$Species <- "rose"
  expect_error(predict(model, one), "new level")
  expect_error(predict(model, iris["Species"]), "^`newdata` has no column \"Sepal.Length\"$")
  iris$Species[3] <- NA
  expect_error(predict(model, iris), "^`newdata` must not hold NA; column \"Species\" does$")
})

test_that("a compressor of R and an estimator of scikit-learn are the two steps", {
  skip_if_no_nnae()
  data <- planted_problem()
  compressor <- nnae_nmf(data$y, 8, random_state = 0, max_iter = 20, tol = 0)
  forest <- reticulate::import("sklearn.ensemble", convert = FALSE)$RandomForestRegressor(
    n_estimators = 5L, random_state = 0L
  )
  model <- nnae_two_step(data$x, data$y,
    compressor = compressor, estimator = forest, prefit = TRUE, random_state = 0
  )
  expect_identical(model$widths, 8L)
  expect_identical(coef(nnae_step_one(model)), coef(compressor))
  expect_s3_class(nnae_hierarchy(model), "nnae_hierarchy")
  expect_error(coef(model), "has no coefficients$")
  refitted <- nnae_two_step(data$x, data$y, compressor = compressor, random_state = 0)
  expect_identical(unname(coef(nnae_step_one(refitted))), unname(coef(compressor)))
})

test_that("printing, plotting and restoring work", {
  skip_if_no_nnae()
  data <- planted_problem()
  model <- nnae_two_step(data$x, data$y, random_state = 0, profile = "fast")
  expect_output(print(model), "300 examples, 36 features, 36 labels")
  expect_output(print(model), "nnae_two_step(x = data$x, y = data$y", fixed = TRUE)
  expect_output(print(summary(model)), "ceiling")
  expect_identical(glance(model)$n_labels, 36L)
  file <- tempfile(fileext = ".rds")
  saveRDS(model, file)
  again <- readRDS(file)
  unlink(file)
  expect_identical(predict(again, data$x[1:5, ]), predict(model, data$x[1:5, ]))
  file <- tempfile(fileext = ".pdf")
  grDevices::pdf(file)
  expect_invisible(plot(again, row = 2))
  grDevices::dev.off()
  expect_gt(file.size(file), 3000)
})

test_that("users' mistakes are told in one line", {
  skip_if_no_nnae()
  data <- planted_problem()
  x <- as.matrix(data$x)
  expect_error(nnae_two_step(x, data$y[-1, ]), "^Y has 299 rows, X has 300$")
  x[3, 1] <- NA
  expect_error(nnae_two_step(x, data$y), "^`x` must not hold NA; row 3 does$")
  expect_error(nnae_two_step(data$x, data$y, profile = "slow"), "^profile must be .*slow")
  expect_error(nnae_two_step(data$x, data$y, estimator = "rf"), "^`estimator` must be NULL or")
  expect_error(nnae_two_step(data$x, data$y, compressor = 3), "^`compressor` must be NULL or")
  expect_error(nnae_two_step(data$x, data$y, trees = 3), "^unknown argument trees$")
  expect_error(nnae_two_step(iris, iris$Species, trees = 3), "^unknown argument trees$")
  expect_error(nnae_two_step(labels ~ ., 3), "^`data` must be a data frame$")
  expect_error(nnae_two_step(~., iris), "^the formula must have labels on its left side")
  small <- nnae_two_step(data$x, data$y, random_state = 0, profile = "fast", keep_x = FALSE)
  expect_error(fitted(small), "^the model holds no features: give `newdata`")
  expect_error(predict(small, data$x[, 1:3]), "^`newdata` has no column")
  expect_error(predict(small, data$x, level = 9), "^`level` must be between 1 and")
  expect_error(predict(small, data$x, k = 0), "^k must be at least 1")
  expect_error(plot(small, data$x, row = 0), "^`row` must be between 1 and 300; got 0$")
})
