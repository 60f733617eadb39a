#' Learners of R as step two
#'
#' What predicts the codes from the features may be any function of R. The ready ones run glmnet,
#' ranger and `lm` with one call for all codes.
#'
#' @param learner `"glmnet"`, `"ranger"`, `"lm"`, or a function of features `x` (a matrix, or a
#'   `dgCMatrix` where they are sparse) and codes `z` (a matrix, one column a code) that returns a
#'   model. With an argument `weights` it gets the weights of the rows.
#' @param ... Arguments of the learner, such as `num.trees = 200` or `alpha = 0`. glmnet's penalty
#'   is chosen by cross-validation (`nfolds`, 5 by default) unless `lambda` is one number.
#' @param predict NULL for the method of the model's class, called as `predict(model, x)`, or a
#'   function of model and features; it returns a matrix, one row an example and one column a code.
#' @param classify FALSE learns the codes themselves; TRUE learns, code by code, whether it is
#'   strong: `z` is a factor then, and predictions are probabilities of its levels. `"glmnet"` and
#'   `"ranger"` are ready for it.
#' @param random_state Seed of R's generator during a fit, which is left as it was; NULL takes that
#'   of [nnae_two_step()].
#' @param x A learner.
#' @return An object of class `nnae_learner` for the argument `estimator` of [nnae_two_step()].
#'   Models with such a step two survive `saveRDS()`, worker processes and [nnae_save()].
#' @examples
#' if (nnae_available()) {
#'   y <- as.matrix(nnae_dataset("label_hierarchy", n_samples = 200, random_state = 0)$y)
#'   x <- y[, 1:36]
#'   compressor <- nnae_nmf(y[, 37:72], 4, random_state = 0)
#'   model <- nnae_two_step(x, y[, 37:72], compressor, nnae_learner("lm"), random_state = 0)
#'   predict(model, x[1:2, ], k = 3)
#'
#'   nearest <- nnae_learner(
#'     function(x, z) list(x = x, z = z),
#'     predict = function(model, x) {
#'       model$z[max.col(x %*% t(model$x), ties.method = "first"), , drop = FALSE]
#'     }
#'   )
#'   nnae_two_step(x, y[, 37:72], compressor, nearest, random_state = 0)
#' }
#' @export
nnae_learner <- function(learner, ..., predict = NULL, classify = FALSE, random_state = NULL) {
  classify <- check_logical(classify, "classify")
  if (is.function(learner)) {
    if (length(formals(args(learner))) < 2) {
      refuse("`learner` must be a function of features and codes")
    }
    if (!is.null(predict) && !is.function(predict)) {
      refuse("`predict` must be NULL or a function of model and features; got %s", shown(predict))
    }
    learner <- list(fit = learner, predict = predict)
  } else {
    check_choice(learner, "learner", if (classify) c("glmnet", "ranger") else ready_learners)
    if (!is.null(predict)) refuse("`predict` goes with a function, not with %s", shown(learner))
    check_package(learner)
  }
  settings <- list(...)
  if (length(settings) && (is.null(names(settings)) || !all(nzchar(names(settings))))) {
    refuse("the arguments of a learner must have names")
  }
  structure(
    list(
      learner = learner, settings = settings, classify = classify,
      random_state = check_count_or_null(random_state, "random_state")
    ),
    class = "nnae_learner"
  )
}

ready_learners <- c("glmnet", "lm", "ranger")

check_package <- function(learner) {
  if (learner != "lm" && !requireNamespace(learner, quietly = TRUE)) {
    refuse("`learner` needs a package: run install.packages(%s)", dQuote(learner, FALSE))
  }
}

#' @rdname nnae_learner
#' @export
#' @method print nnae_learner
print.nnae_learner <- function(x, ...) {
  check_unused(...)
  name <- if (is.character(x$learner)) x$learner else "a function"
  settings <- vapply(x$settings, function(value) paste(deparse(value), collapse = " "), "")
  cat(sprintf(
    "Learner of %s: %s%s\n", if (x$classify) "strong codes" else "codes", name,
    if (length(settings)) paste0(", ", toString(paste(names(settings), "=", settings))) else ""
  ))
  invisible(x)
}

# An estimator of scikit-learn for what the user gave as step two.
as_estimator <- function(estimator, random_state) {
  if (is.null(estimator) || inherits(estimator, "python.builtin.object")) {
    return(estimator)
  }
  ready <- is.character(estimator) && length(estimator) == 1 && estimator %in% ready_learners
  if (ready || is.function(estimator)) estimator <- nnae_learner(estimator)
  if (!inherits(estimator, "nnae_learner")) {
    refuse(
      "`estimator` must be NULL or a learner, see nnae_learner(), or come from Python; got %s",
      shown(estimator)
    )
  }
  seed <- estimator$random_state
  if (is.null(seed)) seed <- check_count_or_null(random_state, "random_state")
  estimator_of_r(estimator, seed)
}

estimator_of_r <- function(learner, seed) {
  what <- learner$learner
  if (is.list(what)) {
    what <- reticulate::np_array(as.integer(serialize(what, NULL)), dtype = "uint8")
  }
  class_name <- if (learner$classify) "RClassifier" else "RRegressor"
  make <- reticulate::import("nnae.r", convert = FALSE)[[class_name]]
  call_python(do.call(make, c(list(what, random_state = seed), whole_numbers(learner$settings))))
}

# Python's estimators of R call back here: the functions of learners.R, which comes with Python's
# package, run in this R.
register_learners <- function() {
  if (isTRUE(python$registered)) {
    return(invisible())
  }
  python$registered <- TRUE
  session <- reticulate::import("nnae.r._session", convert = FALSE)
  python$learners <- new.env(parent = baseenv())
  sys.source(as.character(reticulate::py_to_r(session$LEARNERS$`__str__`())), python$learners)
  session$register(
    reticulate::r_to_py(learner_fit, convert = FALSE),
    reticulate::r_to_py(learner_predict, convert = FALSE)
  )
}

learner_fit <- function(task, learner, X, z, weights, seed, settings) { # nolint
  task <- as.character(plain(task))
  learner <- if (is_array(learner)) as_raw(learner) else as.character(plain(learner))
  z <- if (task == "classifier") {
    numbers <- as.integer(from_numpy(z, "int32"))
    factor(numbers, levels = seq(0L, max(numbers)))
  } else {
    from_numpy_matrix(z)
  }
  fitted <- python$learners$fit_learner(
    task, learner, from_features(X), z, if (!is_none(weights)) from_numpy(weights),
    if (!is_none(seed)) as.integer(plain(seed)), as.list(plain(settings))
  )
  reticulate::r_to_py(serialize(fitted, NULL))
}

learner_predict <- function(key, model, X) { # nolint
  key <- as.character(plain(key))
  if (!python$learners$knows(key)) python$learners$remember(key, unserialize(as_raw(model)))
  as_numpy(python$learners$predict_known(key, from_features(X)), "predictions")
}

is_none <- function(value) is.null(value) || inherits(value, "python.builtin.NoneType")
is_array <- function(value) inherits(value, c("numpy.ndarray", "array"))

as_raw <- function(value) {
  if (!inherits(value, "python.builtin.object")) {
    return(as.raw(value))
  }
  found <- reticulate::py_to_r(reticulate::import_builtins(convert = FALSE)$bytearray(value))
  as.raw(found)
}

from_features <- function(x) {
  if (!inherits(x, "python.builtin.object")) {
    return(x)
  }
  if (reticulate::py_has_attr(x, "tocsc")) from_scipy(x) else from_numpy_matrix(x)
}
