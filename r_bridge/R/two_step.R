#' Rank labels of new examples through interpretable codes
#'
#' Step one compresses the training labels, step two learns the codes from features; a prediction
#' decodes the codes of step two and ranks the labels.
#'
#' @param x Features: a numeric matrix or one of package Matrix; a data frame (factors are expanded
#'   as by [model.matrix()], sparse); or features with labels: [nnae_row_blocks()].
#' @param y Labels, in any form that [nnae_nmf()] takes.
#' @param formula Labels and features, such as `labels ~ .`. The left side may be a matrix, a list
#'   column, text with labels between `sep`, or `cbind()` of columns.
#' @param data Data frame of the formula's variables.
#' @param subset NULL or the rows of `data` to use, as for [stats::lm()].
#' @param compressor Step one: NULL, or a fit of [nnae_nmf()] or [nnae_autoencoder()].
#' @param estimator Step two: NULL for Python's own ridge regression; a learner of R, see
#'   [nnae_learner()], its name, or a function of features and codes; or an estimator of
#'   scikit-learn, imported by reticulate.
#' @param decoder From codes to labels: `"linear"`, codes times concepts; `"neighbors"` and
#'   `"kernel"`, by training rows of like codes; `"tree"`, classifiers down the tree of concepts;
#'   `"stack"`, a blend of these and more; `"pair"`, of the first and the tree; `"auto"` is the
#'   stack with `profile = "best"`, the pair with `"fast"`, and linear with an `estimator` or
#'   `compressor`.
#' @param profile `"best"` also fits without rows that it holds out, to weigh decoders, calibrate
#'   probabilities and choose thresholds; `"fast"` fits once, in a fraction of the time.
#' @param rank_by `"probability"`, or `"psp"`, which divides scores by propensities so that rare
#'   labels come up.
#' @param threshold What predicted label sets are to be good at, with `profile = "best"`: F1 of all
#'   entries (`"micro"`), of labels (`"macro"`), of rows (`"examples"`), or their `"sizes"`.
#' @param prefit TRUE takes `compressor` as it is; FALSE fits one with its parameters to `y`.
#' @param sample_weight NULL or one non-negative weight a row.
#' @param groups NULL or the group of each row, such as the source it comes from: rows of one group
#'   are held out together where rows are held out.
#' @param n_threads Threads, or NULL for all; the result does not depend on it.
#' @param random_state Seed, a whole number, or NULL.
#' @param sep Separator of labels in text.
#' @param keep_x TRUE keeps the features for `fitted`, `residuals` and `predict` without new data.
#' @param checkpoint NULL, or a file from which the same fit goes on after it was interrupted.
#' @param ... The arguments of the method for matrices from `compressor` on; there, by name,
#'   parameters of Python's `TwoStepClassifier` that have no argument here, such as
#'   `neighbor_search` ("exact", or "approximate", which needs Python's faiss).
#' @details Row blocks are read twice and never held; over them step two is the built-in ridge
#'   regression, and `decoder`, `sample_weight` and `groups` stay as they are.
#' @return An object of class `nnae_two_step`; see [nnae_two_step_methods].
#' @examples
#' if (nnae_available()) {
#'   y <- as.matrix(nnae_dataset("label_hierarchy", n_samples = 200, random_state = 0)$y)
#'   even <- seq(2, ncol(y), 2)
#'   model <- nnae_two_step(y[, even], y[, -even], random_state = 0)
#'   predict(model, y[1:2, even], k = 3)
#'
#'   flowers <- iris
#'   flowers$labels <- ifelse(iris$Petal.Width > 1, "wide,", "")
#'   flowers$labels <- paste0(flowers$labels, iris$Species)
#'   model <- nnae_two_step(labels ~ Petal.Width + Petal.Length, flowers, random_state = 0)
#'   head(predict(model, iris[c(1, 150), ], type = "labels"))
#' }
#' @export
nnae_two_step <- function(x, ...) UseMethod("nnae_two_step")

#' @rdname nnae_two_step
#' @export
nnae_two_step.default <- function(x, y, compressor = NULL, estimator = NULL, decoder = "auto",
                                  profile = "best", rank_by = "probability",
                                  threshold = "micro", prefit = FALSE, n_threads = NULL,
                                  random_state = NULL, sample_weight = NULL, groups = NULL,
                                  sep = ",", keep_x = TRUE, checkpoint = NULL, ...) {
  two_step_call(nnae_two_step_fit(
    matrix_encoding(x), x, y, "x", compressor, estimator, decoder, profile, rank_by, threshold,
    prefit, n_threads, random_state, sample_weight, groups, sep, keep_x, checkpoint, list(...)
  ), match.call())
}

#' @rdname nnae_two_step
#' @export
nnae_two_step.data.frame <- function(x, y, ...) {
  encoding <- frame_encoding(stats::terms(~., data = x), x, "x")
  two_step_call(fit_frame(encoding, x, y, "x", ...), match.call())
}

#' @rdname nnae_two_step
#' @export
nnae_two_step.formula <- function(formula, data, ..., subset = NULL) {
  if (missing(data) || !is.data.frame(data)) refuse("`data` must be a data frame")
  if (length(formula) != 3) refuse("the formula must have labels on its left side, as labels ~ .")
  rows <- eval(substitute(subset), data, parent.frame())
  if (!is.null(rows)) data <- subset_rows(data, rows)
  terms <- stats::delete.response(stats::terms(formula, data = data))
  y <- eval(formula[[2]], data, environment(formula))
  if (is.numeric(y) && is.null(dim(y))) y <- matrix(y, dimnames = list(NULL, deparse(formula[[2]])))
  encoding <- frame_encoding(terms, data, "data")
  two_step_call(fit_frame(encoding, data, y, "data", ...), match.call())
}

subset_rows <- function(data, rows) {
  if (is.logical(rows) && length(rows) != nrow(data)) {
    refuse("`subset` must say of %d rows whether to use them; got %d", nrow(data), length(rows))
  }
  if (anyNA(rows)) refuse("`subset` must not hold NA; element %d is", which(is.na(rows))[1])
  data[rows, , drop = FALSE]
}

#' @rdname nnae_two_step
#' @export
nnae_two_step.nnae_row_blocks <- function(x, ...) {
  settings <- given_settings(...)
  blocks <- python_blocks(x)
  started <- proc.time()[["elapsed"]]
  object <- fit_classifier(list(blocks), settings, NULL)
  seconds <- proc.time()[["elapsed"]] - started
  encoding <- list(
    kind = "matrix", names = x$feature_names,
    columns = as.integer(reticulate::py_to_r(object$n_features_in_))
  )
  model <- new_two_step(object, encoding, NULL, NULL, seconds, FALSE)
  model$n_rows <- as.integer(reticulate::py_to_r(blocks$n_rows))
  two_step_call(model, match.call())
}

two_step_call <- function(model, call) {
  call[[1]] <- quote(nnae_two_step)
  model$call <- call
  model
}

# The arguments of the method for matrices from `compressor` on: those that are given, and its
# defaults, which are stated there alone.
given_settings <- function(...) {
  given <- list(...)
  defaults <- formals(nnae_two_step.default)
  settings <- as.list(defaults[setdiff(names(defaults), c("x", "y", "..."))])
  if (length(given) && is.null(names(given))) refuse("unknown argument without a name")
  known <- names(given) %in% names(settings)
  settings[names(given)[known]] <- given[known]
  c(settings, list(further = given[!known]))
}

fit_frame <- function(encoding, x, y, name, ...) {
  do.call(nnae_two_step_fit, c(list(encoding, x, y, name), given_settings(...)))
}

nnae_two_step_fit <- function(encoding, x, y, name, compressor, estimator, decoder, profile,
                              rank_by, threshold, prefit, n_threads, random_state,
                              sample_weight, groups, sep, keep_x, checkpoint, further) {
  check_logical(keep_x, "keep_x")
  settings <- list(
    compressor = compressor, estimator = estimator, decoder = decoder, profile = profile,
    rank_by = rank_by, threshold = threshold, prefit = prefit, n_threads = n_threads,
    random_state = random_state, sample_weight = sample_weight, groups = groups,
    checkpoint = checkpoint, further = further
  )
  features <- encode_features(encoding, x, name)
  y <- as_label_matrix(y, "y", sep)
  started <- proc.time()[["elapsed"]]
  rows <- list(
    to_python_features(features, name), to_scipy(y),
    label_names = if (!is.null(colnames(y))) as.list(colnames(y))
  )
  object <- fit_classifier(rows, settings, nrow(y))
  seconds <- proc.time()[["elapsed"]] - started
  new_two_step(object, encoding, features, y, seconds, keep_x)
}

# A Python classifier, fitted to `given`; of blocks the number of rows is not known beforehand.
fit_classifier <- function(given, settings, n_rows) {
  compressor <- settings$compressor
  if (!is.null(compressor) && !inherits(compressor, "nnae_compressor")) {
    refuse(
      "`compressor` must be NULL or come from nnae_nmf() or nnae_autoencoder(); got %s",
      shown(compressor)
    )
  }
  module <- nnae_module()
  further <- further_parameters(settings$further, "TwoStepClassifier")
  random_state <- check_count_or_null(settings$random_state, "random_state")
  parameters <- list(
    compressor = if (!is.null(compressor)) nnae_python(compressor),
    estimator = as_estimator(settings$estimator, random_state),
    decoder = check_text(settings$decoder, "decoder"),
    profile = check_text(settings$profile, "profile"),
    rank_by = check_text(settings$rank_by, "rank_by"),
    threshold = check_text(settings$threshold, "threshold"),
    prefit = check_logical(settings$prefit, "prefit"),
    n_threads = check_count_or_null(settings$n_threads, "n_threads"),
    random_state = random_state,
    checkpoint = check_checkpoint(settings$checkpoint)
  )
  beside <- list(
    sample_weight = check_sample_weight(settings$sample_weight, n_rows),
    groups = check_groups(settings$groups, n_rows)
  )
  classifier <- do.call(module$TwoStepClassifier, c(parameters, further$class))
  call_python(do.call(classifier$fit, c(given, beside, further$fit)))
}

# An R model of a fitted Python classifier; features and labels are those of its training rows, or
# NULL where they are not known.
new_two_step <- function(object, encoding, features, y, seconds, keep_x) {
  structure(
    list(
      call = NULL,
      labels = from_strings(object$label_names_),
      n_rows = if (is.null(y)) NA_integer_ else nrow(y),
      features = encoding_names(encoding, features),
      n_features = as.integer(reticulate::py_to_r(object$n_features_in_)),
      widths = as.integer(unlist(reticulate::py_to_r(object$scale_$widths))),
      threshold = as.double(reticulate::py_to_r(object$threshold_)),
      estimator = as.character(reticulate::py_to_r(object$estimator_$`__class__`$`__name__`)),
      seconds = seconds,
      encoding = encoding,
      x = if (keep_x) features,
      y = y,
      handle = new_handle(object)
    ),
    class = c("nnae_two_step", "nnae_model")
  )
}

encoding_names <- function(encoding, features) {
  if (is.null(features)) encoding$names else colnames(features)
}

#' The fitted compressor of a two-step model
#'
#' @param model A fit of [nnae_two_step()].
#' @return Step one, with the methods of [nnae_compressor].
#' @examples
#' if (nnae_available()) {
#'   y <- as.matrix(nnae_dataset("label_hierarchy", n_samples = 200, random_state = 0)$y)
#'   model <- nnae_two_step(y[, 1:36], y[, 37:72], random_state = 0, profile = "fast")
#'   nnae_step_one(model)
#' }
#' @export
nnae_step_one <- function(model) {
  if (!inherits(model, "nnae_two_step")) {
    refuse("`model` must come from nnae_two_step(); got %s", class(model)[1])
  }
  step_one <- new_compressor(nnae_python(model)$compressor_, model$y, model$call)
  step_one$n_rows <- model$n_rows
  step_one
}
