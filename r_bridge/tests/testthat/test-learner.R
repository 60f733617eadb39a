# Features are noisy counts of the groups of planted labels.
learning_problem <- function() {
  planted <- nnae_dataset("label_hierarchy", n_samples = 300, random_state = 0)
  y <- planted$y
  set.seed(1)
  x <- as.matrix(y) %*% outer(planted$groups, unique(planted$groups), "==")
  x <- methods::as(x * (x + stats::rnorm(length(x), sd = 0.3)), "CsparseMatrix")
  list(
    x = x[1:200, ], y = y[1:200, ], new = x[201:300, ], truth = y[201:300, ],
    compressor = nnae_nmf(y[1:200, ], 6, random_state = 0)
  )
}

# Precision of always saying the most frequent label.
blind <- function(data) max(Matrix::colMeans(data$truth))

test_that("ready learners learn, and come back from files, RDS and workers with the same bits", {
  skip_if_no_nnae()
  data <- learning_problem()
  learners <- list(nnae_learner("lm"))
  if (requireNamespace("glmnet", quietly = TRUE)) {
    learners <- c(learners, list(nnae_learner("glmnet", alpha = 0, nfolds = 3)))
  }
  if (requireNamespace("ranger", quietly = TRUE)) {
    learners <- c(learners, list(
      nnae_learner("ranger", num.trees = 50),
      nnae_learner("ranger", num.trees = 50, classify = TRUE)
    ))
  }
  for (learner in learners) {
    about <- paste(capture.output(print(learner)), collapse = " ")
    model <- nnae_two_step(data$x, data$y, data$compressor, learner, random_state = 0)
    best <- predict(model, data$new)
    expect_gt(nnae_precision_at_k(data$truth, best, 1), 2 * blind(data), label = about)
    again <- nnae_two_step(data$x, data$y, data$compressor, learner, random_state = 0)
    expect_identical(predict(again, data$new), best, info = about)
    file <- tempfile(fileext = ".rds")
    saveRDS(model, file)
    expect_identical(predict(readRDS(file), data$new), best, info = about)
    path <- nnae_save(model, tempfile(fileext = ".nnae"))
    expect_error(nnae_load(path), "if you know who made the file, pass trusted = TRUE$")
    expect_identical(predict(nnae_load(path, trusted = TRUE), data$new), best, info = about)
  }
})

test_that("lm gives the codes that lm gives", {
  skip_if_no_nnae()
  data <- learning_problem()
  x <- as.matrix(data$x)
  model <- nnae_two_step(x, data$y, data$compressor, "lm", prefit = TRUE, profile = "fast")
  codes <- pmin(predict(data$compressor, data$y), matrix(
    from_numpy(nnae_python(model)$scale_$caps), nrow(x), 6,
    byrow = TRUE
  ))
  expected <- stats::predict(stats::lm(codes ~ x))
  expect_equal(
    predict(model, x, type = "codes"), pmax(expected, 0),
    tolerance = 1e-8, ignore_attr = TRUE
  )
})

test_that("a function of the user's own works, with what it closes over", {
  skip_if_no_nnae()
  data <- learning_problem()
  power <- 2
  nearest <- nnae_learner(
    function(x, z) list(x = x, z = z),
    predict = function(model, x) {
      near <- as.matrix(x %*% Matrix::t(model$x))^power
      model$z[max.col(near, ties.method = "first"), , drop = FALSE]
    }
  )
  model <- nnae_two_step(data$x, data$y, data$compressor, nearest, random_state = 0)
  best <- predict(model, data$new)
  expect_gt(nnae_precision_at_k(data$truth, best, 1), blind(data))
  again <- unserialize(serialize(model, NULL))
  expect_identical(predict(again, data$new), best)
  bare <- function(x, z) structure(list(mean = colMeans(z)), class = "constant_codes")
  registerS3method("predict", "constant_codes", function(object, x, ...) {
    matrix(object$mean, nrow(x), length(object$mean), byrow = TRUE)
  }, envir = asNamespace("stats"))
  constant <- nnae_two_step(
    data$x, data$y, data$compressor, bare,
    decoder = "linear", random_state = 0
  )
  expect_identical(length(unique(predict(constant, data$new, k = 1)$label)), 1L)
})

test_that("weights reach learners that take them", {
  skip_if_no_nnae()
  data <- learning_problem()
  seen <- new.env()
  learner <- nnae_learner(
    function(x, z, weights) stats::lm.wfit(cbind(1, as.matrix(x)), z, weights),
    predict = function(model, x) {
      slopes <- model$coefficients
      slopes[is.na(slopes)] <- 0
      cbind(1, as.matrix(x)) %*% slopes
    }
  )
  weight <- rep(c(1, 3), 100)
  own <- nnae_two_step(data$x, data$y, data$compressor, learner,
    sample_weight = weight, random_state = 0
  )
  ready <- nnae_two_step(data$x, data$y, data$compressor, "lm",
    sample_weight = weight, random_state = 0
  )
  expect_equal(predict(own, data$new, type = "codes"), predict(ready, data$new, type = "codes"))
  expect_error(
    nnae_two_step(data$x, data$y, data$compressor, function(x, z) 1, sample_weight = weight),
    "the learner does not take weights"
  )
})

test_that("a fit leaves R's generator as it was", {
  skip_if_no_nnae()
  data <- learning_problem()
  learner <- function(x, z) list(stats::runif(1))
  set.seed(5)
  before <- .Random.seed
  try(nnae_two_step(data$x, data$y, data$compressor, learner, random_state = 0), silent = TRUE)
  expect_identical(.Random.seed, before)
})

test_that("a worker process predicts with a learner of R", {
  skip_if_no_nnae()
  skip_on_cran()
  data <- learning_problem()
  model <- nnae_two_step(data$x, data$y, data$compressor, "lm", random_state = 0)
  workers <- parallel::makePSOCKcluster(1)
  on.exit(parallel::stopCluster(workers))
  parallel::clusterCall(workers, .libPaths, .libPaths())
  there <- parallel::clusterCall(workers, function(model, x) {
    loadNamespace("nnae")
    stats::predict(model, x)
  }, model, data$new)[[1]]
  expect_identical(there, predict(model, data$new))
})

test_that("users' mistakes are told in one line", {
  skip_if_no_nnae()
  data <- learning_problem()
  expect_error(nnae_learner("rf"), "^`learner` must be one of \"glmnet\", \"lm\", \"ranger\"; got")
  expect_error(nnae_learner("lm", classify = TRUE), "one of \"glmnet\", \"ranger\"; got \"lm\"$")
  expect_error(nnae_learner(function(x) x), "^`learner` must be a function of features and codes$")
  expect_error(nnae_learner("lm", predict = mean), "^`predict` goes with a function")
  expect_error(nnae_learner("lm", 3), "^the arguments of a learner must have names$")
  expect_error(
    nnae_two_step(data$x, data$y, data$compressor, nnae_learner("lm", alpha = 1)),
    "lm takes no settings; got alpha"
  )
  wrong <- nnae_learner(function(x, z) 1, predict = function(model, x) matrix(0, 2, 2))
  expect_error(nnae_two_step(data$x, data$y, data$compressor, wrong), "predicted 2 rows for")
  stops <- function(x, z) stop("no luck today")
  expect_error(nnae_two_step(data$x, data$y, data$compressor, stops), "no luck today")
})
