# R's own learners for step two: features x (a matrix or dgCMatrix, n x d) to codes z (n x m), or to
# the probabilities of classes. One file for both sides: nnae.r runs it over rpy2, the R package nnae
# over reticulate. A fitted model is a plain list, as small as its predictions allow, so that it can
# be serialised; of a ready learner it holds numbers alone, no function.
#
# Own learners are function(x, z) -> model, whose class has a predict method (model, x), or a list of
# the functions fit and predict. Where fit has an argument `weights` it gets the weights of the rows.

live <- new.env(parent = emptyenv())
live$models <- list()

# The learner as a list of fit and predict, or the name of a ready one.
as_learner <- function(learner, task) {
  if (is.raw(learner)) learner <- unserialize(learner)
  ready <- if (task == "regressor") regressors else classifiers
  if (is.character(learner)) {
    if (learner %in% names(ready)) {
      return(learner)
    }
    if (!grepl("function", learner, fixed = TRUE)) {
      stop(sprintf(
        "learner must be one of %s, or a function of R; got \"%s\"",
        paste0('"', names(ready), '"', collapse = ", "), learner
      ), call. = FALSE)
    }
    learner <- eval(parse(text = learner), globalenv())
  }
  if (is.function(learner)) learner <- list(fit = learner)
  if (is.null(learner$predict)) {
    learner$predict <- function(model, x) stats::predict(model, x)
  }
  learner
}

need <- function(package) {
  if (!requireNamespace(package, quietly = TRUE)) {
    stop(sprintf(
      "R has no package '%s': run install.packages(\"%s\") in R", package, package
    ), call. = FALSE)
  }
}

# Fits with a seed of its own and leaves the generator as it was.
fit_learner <- function(task, learner, x, z, weights, seed, settings) {
  if (!is.null(seed)) {
    before <- get0(".Random.seed", globalenv(), inherits = FALSE)
    on.exit(if (is.null(before)) {
      rm(".Random.seed", envir = globalenv())
    } else {
      assign(".Random.seed", before, globalenv())
    })
    set.seed(seed)
  }
  colnames(x) <- paste0("x", seq_len(ncol(x)))
  learner <- as_learner(learner, task)
  if (is.character(learner)) {
    ready <- (if (task == "regressor") regressors else classifiers)[[learner]]
    model <- ready$fit(x, z, weights, seed, settings)
  } else {
    arguments <- c(list(x, z), settings)
    if (!is.null(weights)) {
      if (!any(c("weights", "...") %in% names(formals(learner$fit)))) {
        stop("the learner does not take weights: give its function the argument `weights`",
          call. = FALSE
        )
      }
      arguments$weights <- weights
    }
    model <- do.call(learner$fit, arguments)
  }
  list(task = task, learner = learner, model = model)
}

# n x m codes, or n x K probabilities.
predict_learner <- function(fitted, x) {
  colnames(x) <- paste0("x", seq_len(ncol(x)))
  found <- if (is.character(fitted$learner)) {
    ready <- (if (fitted$task == "regressor") regressors else classifiers)[[fitted$learner]]
    ready$predict(fitted$model, x)
  } else {
    fitted$learner$predict(fitted$model, x)
  }
  found <- as.matrix(found)
  if (nrow(found) != nrow(x)) {
    stop(sprintf("the learner predicted %d rows for %d", nrow(found), nrow(x)), call. = FALSE)
  }
  storage.mode(found) <- "double"
  unname(found)
}

# Models that were used last stay alive; others come back from what they were serialised to.
remember <- function(key, fitted) {
  kept <- live$models[setdiff(names(live$models), key)]
  live$models <- c(utils::tail(kept, 7), stats::setNames(list(fitted), key))
}
knows <- function(key) key %in% names(live$models)
predict_known <- function(key, x) predict_learner(live$models[[key]], x)

# Arguments under Python's names: num_trees is num.trees, where the function has no num_trees.
as_settings <- function(settings, functions) {
  known <- unlist(lapply(functions, function(f) names(formals(f))))
  dotted <- gsub("_", ".", names(settings), fixed = TRUE)
  stats::setNames(settings, ifelse(names(settings) %in% known, names(settings), dotted))
}

varies <- function(z) which(apply(z, 2, function(column) max(column) > min(column)))

# Linear predictors n x m of coefficients (1 + d) x m, the intercept first.
linear <- function(coefficients, x) {
  as.matrix(x %*% coefficients[-1, , drop = FALSE]) +
    rep(coefficients[1, ], each = nrow(x))
}

# Coefficients (1 + d) x m of glmnet at one penalty: the given one, else that of cross-validation.
glmnet_coefficients <- function(x, z, family, weights, settings) {
  need("glmnet")
  settings <- as_settings(settings, list(glmnet::glmnet, glmnet::cv.glmnet))
  if (ncol(x) == 1) x <- cbind(x, 0) # glmnet wants two columns
  penalty <- settings$lambda
  arguments <- c(list(x = x, y = z, family = family), settings)
  if (!is.null(weights)) arguments$weights <- weights
  if (length(penalty) == 1) {
    arguments$lambda <- NULL # a whole path is faster and safer than one point
    fit <- do.call(glmnet::glmnet, arguments)
  } else {
    if (is.null(arguments$nfolds)) arguments$nfolds <- 5
    fit <- do.call(glmnet::cv.glmnet, arguments)
    penalty <- fit$lambda.min
  }
  found <- stats::coef(fit, s = penalty)
  found <- if (is.list(found)) do.call(cbind, lapply(found, as.matrix)) else as.matrix(found)
  list(coefficients = unname(found), lambda = penalty)
}

fit_glmnet <- function(x, z, weights, seed, settings) {
  d <- ncol(x)
  coefficients <- matrix(0, d + 1, ncol(z))
  coefficients[1, ] <- colMeans(z)
  at <- varies(z)
  lambda <- NA
  if (length(at)) {
    family <- if (length(at) == 1) "gaussian" else "mgaussian"
    y <- if (length(at) == 1) z[, at] else z[, at, drop = FALSE]
    found <- glmnet_coefficients(x, y, family, weights, settings)
    coefficients[, at] <- found$coefficients[seq_len(d + 1), ]
    lambda <- found$lambda
  }
  list(coefficients = coefficients, lambda = lambda)
}

fit_lm <- function(x, z, weights, seed, settings) {
  if (length(settings)) stop("lm takes no settings; got ", names(settings)[1], call. = FALSE)
  design <- cbind(1, as.matrix(x))
  fit <- if (is.null(weights)) stats::lm.fit(design, z) else stats::lm.wfit(design, z, weights)
  coefficients <- as.matrix(fit$coefficients)
  coefficients[is.na(coefficients)] <- 0 # columns that others determine
  list(coefficients = unname(coefficients))
}

one_forest <- function(x, y, weights, seed, settings) {
  need("ranger")
  settings <- as_settings(settings, list(ranger::ranger))
  arguments <- c(list(x = x, y = y, seed = if (is.null(seed)) NULL else as.integer(seed)), settings)
  if (!is.null(weights)) arguments$case.weights <- weights
  forest <- do.call(ranger::ranger, arguments)
  forest$call <- NULL # it holds the data
  forest$predictions <- NULL
  forest
}

fit_ranger <- function(x, z, weights, seed, settings) {
  at <- varies(z)
  forests <- lapply(at, function(column) one_forest(x, z[, column], weights, seed, settings))
  list(forests = forests, at = at, mean = colMeans(z))
}

predict_ranger <- function(model, x) {
  need("ranger")
  found <- matrix(model$mean, nrow(x), length(model$mean), byrow = TRUE)
  for (i in seq_along(model$at)) {
    found[, model$at[i]] <- stats::predict(model$forests[[i]], x)$predictions
  }
  found
}

regressors <- list(
  glmnet = list(fit = fit_glmnet, predict = function(model, x) linear(model$coefficients, x)),
  lm = list(fit = fit_lm, predict = function(model, x) linear(model$coefficients, x)),
  ranger = list(fit = fit_ranger, predict = predict_ranger)
)

# Classifiers: z is a factor; predictions are n x K probabilities in the order of its levels.
fit_glmnet_classes <- function(x, z, weights, seed, settings) {
  family <- if (nlevels(z) == 2) "binomial" else "multinomial"
  found <- glmnet_coefficients(x, z, family, weights, settings)
  found$coefficients <- found$coefficients[seq_len(ncol(x) + 1), , drop = FALSE]
  found
}

predict_glmnet_classes <- function(model, x) {
  scores <- linear(model$coefficients, x)
  if (ncol(scores) == 1) scores <- cbind(0, scores)
  shares <- exp(scores - apply(scores, 1, max))
  shares / rowSums(shares)
}

fit_ranger_classes <- function(x, z, weights, seed, settings) {
  forest <- one_forest(x, z, weights, seed, c(settings, list(probability = TRUE)))
  list(forest = forest, levels = levels(z))
}

predict_ranger_classes <- function(model, x) {
  need("ranger")
  found <- stats::predict(model$forest, x)$predictions
  if (is.null(dim(found))) found <- matrix(found, nrow(x), dimnames = list(NULL, names(found)))
  found[, model$levels, drop = FALSE]
}

classifiers <- list(
  glmnet = list(fit = fit_glmnet_classes, predict = predict_glmnet_classes),
  ranger = list(fit = fit_ranger_classes, predict = predict_ranger_classes)
)
