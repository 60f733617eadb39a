#' Methods of two-step models
#'
#' @param object,x A fit of [nnae_two_step()].
#' @param newdata,data Features of new examples, as in the fit; the training rows without them. For
#'   `"topk"` of `predict`, and for `nnae_evaluate`, also [nnae_row_blocks()].
#' @param type `"topk"`: the best labels as a data frame; `"labels"`: the predicted labels, a
#'   `dgCMatrix` of 0 and 1; `"response"`: probabilities; `"scores"`: rates; `"codes"`: the codes
#'   that step two predicts.
#' @param k Number of labels of `"topk"`, and of the bars of `plot`.
#' @param level Level of `"topk"`, labels as seen through the codes of that level, and of `"codes"`.
#' @param top_k For `"response"` and `"scores"`: NULL, or keep only that many best labels a row, as
#'   `dgCMatrix`.
#' @param digits Digits to print.
#' @param row Row of `newdata` to plot.
#' @param y Labels of the rows of `newdata`; NULL for row blocks, which hold them.
#' @param at Depths of the rankings to measure, whole numbers of at least 1.
#' @param ... Passed on by `plot` to [graphics::barplot()]; else unused.
#' @return `predict`: for `"topk"` a data frame with one row an example and rank: `row` (name or
#'   number), `rank`, `label`, `score`; else a matrix, examples x labels, with names. `fitted` and
#'   `residuals` are those of `"response"`. `coef`: coefficients of a linear step two, features x
#'   codes of all levels. `nnae_error_budget`: precision at 1, 3 and 5 and F1 (of all labels, and
#'   of frequent, middling and rare ones) when the codes of the true labels are decoded (`ceiling`),
#'   when predicted ones are, what is lost, and what the thresholds lose. `nnae_evaluate`: a data
#'   frame with columns `measure` (precision, ndcg, recall, psp), `k`, `value` and `standard_error`.
#' @examples
#' if (nnae_available()) {
#'   y <- as.matrix(nnae_dataset("label_hierarchy", n_samples = 300, random_state = 0)$y)
#'   even <- seq(2, ncol(y), 2)
#'   train <- 1:200
#'   model <- nnae_two_step(y[train, even], y[train, -even], random_state = 0)
#'   summary(model)
#'   predict(model, y[201:202, even], k = 2)
#'   nnae_error_budget(model, y[-train, even], y[-train, -even])
#'   nnae_evaluate(model, y[-train, even], y[-train, -even], at = c(1, 3))
#'   plot(model, y[201, even, drop = FALSE])
#' }
#' @name nnae_two_step_methods
NULL

# Features of new rows, or those of the training rows, with the names of the rows.
two_step_features <- function(object, newdata) {
  if (is.null(newdata)) {
    if (is.null(object$x)) {
      stop("the model holds no features: give `newdata`, or fit with keep_x = TRUE", call. = FALSE)
    }
    return(object$x)
  }
  encode_features(object$encoding, newdata, "newdata")
}

#' @rdname nnae_two_step_methods
#' @export
predict.nnae_two_step <- function(object, newdata = NULL,
                                  type = c("topk", "labels", "response", "scores", "codes"),
                                  k = 5, level = 1, top_k = NULL, ...) {
  check_unused(...)
  type <- check_choice(type, "type", c("topk", "labels", "response", "scores", "codes"))
  level <- check_level(level, object$widths)
  if (level > 1L && !type %in% c("topk", "codes")) {
    refuse("`level` above 1 needs type \"topk\" or \"codes\"; got %s", shown(type))
  }
  k <- check_count(k, "k")
  top_k <- check_count_or_null(top_k, "top_k")
  if (inherits(newdata, "nnae_row_blocks")) {
    if (type != "topk") refuse("`type` must be \"topk\" for row blocks; got %s", shown(type))
    return(ranked_blocks(object, newdata, k, level))
  }
  features <- two_step_features(object, newdata)
  X <- to_python_features(features, "newdata")
  model <- nnae_python(object)
  rows <- rownames(features)
  if (type == "topk") {
    found <- call_python(model$predict_topk(X, k = k, level = level))
    return(ranking_frame(found, object$labels, rows))
  }
  if (type == "codes") {
    return(predicted_codes(object, X, rows, level))
  }
  result <- call_python(switch(type,
    labels = model$predict(X),
    response = model$predict_proba(X, top_k = top_k),
    scores = model$decision_function(X, top_k = top_k)
  ))
  names_of_result <- list(rows, object$labels)
  if (reticulate::py_has_attr(result, "tocsc")) {
    from_scipy(result, names_of_result)
  } else {
    from_numpy_matrix(result, names_of_result)
  }
}

ranked_blocks <- function(object, blocks, k, level) {
  model <- nnae_python(object)
  pairs <- call_python(model$predict_topk(python_blocks(blocks), k = k, level = level))
  builtins <- reticulate::import_builtins(convert = FALSE)
  found <- reticulate::iterate(call_python(builtins$list(pairs)))
  sizes <- vapply(found, function(pair) as.integer(reticulate::py_to_r(pair[0L]$shape)[[1]]), 1L)
  rows <- split(seq_len(sum(sizes)), rep(seq_along(sizes), sizes))
  do.call(rbind, unname(Map(ranking_frame, found, list(object$labels), rows)))
}

# Step two predicts the codes of all levels side by side, each times the norm of its concept.
predicted_codes <- function(object, X, rows, level) {
  model <- nnae_python(object)
  columns <- seq_len(object$widths[level]) + sum(object$widths[seq_len(level - 1L)])
  all_levels <- call_python(model$estimator_$predict(X)$reshape(-1L, sum(object$widths)))
  codes <- pmax(from_numpy_matrix(all_levels)[, columns, drop = FALSE], 0)
  codes <- sweep(codes, 2, from_numpy(model$scale_$norms)[columns], "/")
  dimnames(codes) <- list(rows, concept_names(object$widths[level]))
  codes
}

ranking_frame <- function(found, labels, rows) {
  indices <- from_numpy_matrix(found[0L])
  scores <- from_numpy_matrix(found[1L])
  number <- rep(seq_len(nrow(indices)), each = ncol(indices))
  table <- data.frame(
    row = if (is.null(rows)) number else rows[number],
    rank = rep(seq_len(ncol(indices)), nrow(indices)),
    label = labels[ifelse(t(indices) < 0, NA, t(indices) + 1)],
    score = as.vector(t(scores))
  )
  table <- table[!is.na(table$label), ]
  rownames(table) <- NULL
  table
}

#' @rdname nnae_two_step_methods
#' @export
fitted.nnae_two_step <- function(object, ...) {
  check_unused(...)
  predict(object, type = "response")
}

#' @rdname nnae_two_step_methods
#' @export
residuals.nnae_two_step <- function(object, ...) {
  check_unused(...)
  check_has_labels(object)
  as.matrix(object$y) - as.matrix(fitted(object))
}

#' @rdname nnae_two_step_methods
#' @export
coef.nnae_two_step <- function(object, ...) {
  check_unused(...)
  estimator <- nnae_python(object)$estimator_
  if (!reticulate::py_has_attr(estimator, "coef_")) {
    refuse("step two, %s, has no coefficients", object$estimator)
  }
  slopes <- from_numpy_matrix(estimator$coef_)
  codes <- unlist(lapply(seq_along(object$widths), function(level) {
    paste0("level", level, ".", concept_names(object$widths[level]))
  }))
  features <- object$features
  if (is.null(features)) features <- paste0("x", seq_len(object$n_features))
  result <- rbind(from_numpy(estimator$intercept_), t(slopes))
  dimnames(result) <- list(c("(Intercept)", features), codes)
  result
}

#' @rdname nnae_two_step_methods
#' @export
#' @method print nnae_two_step
print.nnae_two_step <- function(x, digits = 4, ...) {
  check_unused(...)
  cat("Two-step ranking of labels\n\nCall: ")
  cat(deparse(x$call), sep = "\n")
  cat(sprintf(
    "\n%d examples, %d features, %d labels, concepts: %s\nstep two: %s; threshold %s; %s s\n",
    x$n_rows, x$n_features, length(x$labels), toString(x$widths), x$estimator,
    format(x$threshold, digits = digits), format(x$seconds, digits = 2)
  ))
  invisible(x)
}

#' @rdname nnae_two_step_methods
#' @export
#' @method summary nnae_two_step
summary.nnae_two_step <- function(object, ...) {
  check_unused(...)
  budget <- if (!is.null(object$x) && !is.null(object$y)) budget_of(object, object$x, object$y)
  structure(list(model = object, training = budget), class = "summary.nnae_two_step")
}

#' @rdname nnae_two_step_methods
#' @export
#' @method print summary.nnae_two_step
print.summary.nnae_two_step <- function(x, digits = 3, ...) {
  check_unused(...)
  print(x$model)
  if (!is.null(x$training)) {
    cat("\nPrecision on the training rows (new rows: nnae_error_budget()):\n")
    print(x$training, digits = digits)
  }
  invisible(x)
}

budget_of <- function(object, features, y) {
  frame <- call_python(
    nnae_python(object)$error_budget(to_python_features(features, "newdata"), to_scipy(y))
  )
  result <- from_pandas(frame)
  rownames(result) <- from_strings(frame$index)
  result
}

#' @rdname nnae_two_step_methods
#' @export
nnae_error_budget <- function(object, newdata, y) {
  if (!inherits(object, "nnae_two_step")) {
    refuse("`object` must come from nnae_two_step(); got %s", class(object)[1])
  }
  budget_of(
    object, two_step_features(object, newdata), as_label_matrix(y, "y", known = object$labels)
  )
}

#' @rdname nnae_two_step_methods
#' @export
nnae_evaluate <- function(object, newdata, y = NULL, at = c(1, 3, 5), level = 1) {
  if (!inherits(object, "nnae_two_step")) {
    refuse("`object` must come from nnae_two_step(); got %s", class(object)[1])
  }
  level <- check_level(level, object$widths)
  depths <- lapply(at, check_count, "at")
  blocks <- inherits(newdata, "nnae_row_blocks")
  if (blocks != is.null(y)) {
    refuse("`y` must %s", if (blocks) "be NULL for row blocks" else "hold the labels of `newdata`")
  }
  model <- nnae_python(object)
  frame <- call_python(if (blocks) {
    model$evaluate(python_blocks(newdata), at = depths, level = level)
  } else {
    features <- to_python_features(two_step_features(object, newdata), "newdata")
    truth <- to_scipy(as_label_matrix(y, "y", known = object$labels))
    model$evaluate(features, truth, at = depths, level = level)
  })
  from_pandas(frame)
}

#' @rdname nnae_two_step_methods
#' @export
plot.nnae_two_step <- function(x, newdata = NULL, row = 1, k = 10, ...) {
  features <- two_step_features(x, newdata)
  row <- check_count(row, "row")
  if (row < 1 || row > nrow(features)) {
    refuse("`row` must be between 1 and %d; got %d", nrow(features), row)
  }
  shown_row <- x
  shown_row$x <- features[row, , drop = FALSE]
  best <- predict(shown_row, k = k)
  beside <- fit_names(rev(best$label))
  old <- graphics::par(las = 1, mai = replace(graphics::par("mai"), 2, beside$margin))
  on.exit(graphics::par(old))
  graphics::barplot(
    rev(best$score),
    names.arg = beside$names, horiz = TRUE, xlab = "score", ...
  )
  invisible(x)
}

#' @rdname nnae_two_step_methods
#' @rawNamespace S3method(tidy, nnae_two_step)
tidy.nnae_two_step <- function(x, ...) {
  check_unused(...)
  slopes <- coef(x)
  data.frame(
    code = rep(colnames(slopes), each = nrow(slopes)),
    term = rep(rownames(slopes), ncol(slopes)), estimate = as.vector(slopes)
  )
}

#' @rdname nnae_two_step_methods
#' @rawNamespace S3method(glance, nnae_two_step)
glance.nnae_two_step <- function(x, ...) {
  check_unused(...)
  data.frame(
    nobs = x$n_rows, n_features = x$n_features, n_labels = length(x$labels),
    n_levels = length(x$widths), n_concepts = x$widths[1], estimator = x$estimator,
    threshold = x$threshold, seconds = x$seconds
  )
}

#' @rdname nnae_two_step_methods
#' @rawNamespace S3method(augment, nnae_two_step)
augment.nnae_two_step <- function(x, data = NULL, ...) {
  check_unused(...)
  best <- predict(x, data, k = 1)
  result <- data.frame(.row = best$row, .label = best$label, .score = best$score)
  if (is.data.frame(data)) cbind(data, result[-1]) else result
}
