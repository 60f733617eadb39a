#' Methods of fitted compressors
#'
#' What [nnae_nmf()] and [nnae_autoencoder()] return can be printed, summarised, plotted and
#' applied to new labels. Level 1 is nearest the labels; NMF has no other.
#'
#' @param object,x A fitted compressor.
#' @param newdata Labels of new examples in any form that the fit accepts (of [nnae_row_blocks()]
#'   the codes are put together), or nothing for the training rows.
#' @param level Level of the codes or concepts.
#' @param type For `predict`: `"codes"`, or `"response"`, what the codes say of every label. For
#'   `fitted`: `"response"` (under the Bernoulli loss a probability), or `"rate"`.
#' @param what `"concepts"`: each concept over the labels; `"weights"`: over the concepts of the
#'   level below. They are the same at level 1.
#' @param x_new For models with features: features of the rows of `newdata`, or NULL; with them
#'   `newdata` may be NULL, and codes are inferred from features alone.
#' @param mask NULL, or a matrix of the shape of `newdata`'s labels, not zero where they are known.
#' @param sep Separator of labels in text.
#' @param top Number of labels to show of each concept.
#' @param which `"concepts"`: bars of the top labels of the heaviest concepts; `"loss"`: the
#'   objective after each sweep.
#' @param n Number of concepts to show.
#' @param digits Digits to print.
#' @param data Labels for `augment`; the training rows without them.
#' @param ... Passed on by `plot` to [graphics::barplot()] or [plot()]; else unused.
#' @return `predict`, `coef`, `fitted` and `residuals` return matrices with names; `tidy` one row a
#'   concept and label with a positive weight, `glance` one row, `augment` one row an example.
#'   `fitted` and `residuals` are dense, n x L.
#' @examples
#' if (nnae_available()) {
#'   planted <- nnae_dataset("label_hierarchy", n_samples = 200, random_state = 0)
#'   model <- nnae_autoencoder(planted$y, layer_sizes = c(12, 3), random_state = 0)
#'   dim(predict(model, planted$y[1:5, ], level = 2))
#'   head(tidy(model))
#'   glance(model)
#'   plot(model, n = 4)
#' }
#' @name nnae_compressor
NULL

fit_compressor <- function(class_name, parameters, y, sample_weight, call, x = NULL,
                           of_fit = list()) {
  module <- nnae_module()
  in_blocks <- inherits(y, "nnae_row_blocks")
  weight <- check_sample_weight(sample_weight, if (!in_blocks) nrow(y))
  labels <- if (in_blocks) python_blocks(y) else to_python_labels(y)
  features <- if (!is.null(x)) list(X = to_python_features(x, "x"))
  object <- call_python(do.call(
    do.call(module[[class_name]], parameters)$fit,
    c(list(labels, sample_weight = weight), features, of_fit)
  ))
  model <- new_compressor(object, if (!in_blocks) y, call)
  if (in_blocks) model$n_rows <- as.integer(reticulate::py_to_r(labels$n_rows))
  model$x <- x
  model
}

# An R model of a fitted Python compressor; y are its training labels, or NULL.
new_compressor <- function(object, y, call) {
  class_name <- as.character(reticulate::py_to_r(object$`__class__`$`__name__`))
  classes <- c(NMF = "nnae_nmf", NNAE = "nnae_autoencoder")
  if (!class_name %in% names(classes)) {
    refuse("the compressor must be an NMF or NNAE; got %s", class_name)
  }
  widths <- if (class_name == "NMF") object$n_components_ else object$layer_sizes_
  code_rows <- compressor_rows(object, class_name)
  structure(
    list(
      call = call,
      labels = from_strings(object$label_names_),
      n_rows = if (code_rows) code_rows else NA_integer_,
      code_rows = code_rows,
      widths = as.integer(unlist(reticulate::py_to_r(widths))),
      loss_name = as.character(reticulate::py_to_r(object$loss_name_)),
      loss = as.double(reticulate::py_to_r(object$loss_)),
      loss_curve = as.double(unlist(reticulate::py_to_r(object$loss_curve_))),
      n_iter = as.integer(reticulate::py_to_r(object$n_iter_)),
      seconds = as.double(reticulate::py_to_r(object$seconds_)),
      y = y,
      handle = new_handle(object)
    ),
    class = c(classes[[class_name]], "nnae_compressor", "nnae_model")
  )
}

# Rows of the codes that a model holds: none of a compact file, one of row blocks, with their sums.
compressor_rows <- function(object, class_name) {
  if (!reticulate::py_has_attr(object, "codes_")) {
    return(0L)
  }
  codes <- if (class_name == "NMF") object$codes_ else object$codes_[0L]
  as.integer(unlist(reticulate::py_to_r(codes$shape)))[1]
}

concept_names <- function(width) paste0("concept", seq_len(width))

# Weights of a level over the concepts below it (over the labels at level 1).
level_weights <- function(object, level) {
  model <- nnae_python(object)
  weights <- if (inherits(object, "nnae_nmf")) model$components_ else model$weights_[level - 1L]
  below <- if (level == 1) object$labels else concept_names(object$widths[level - 1])
  from_numpy_matrix(weights, list(concept_names(object$widths[level]), below))
}

# Codes of the training rows, for what says something of each of them.
training_codes <- function(object, level) {
  if (!identical(object$code_rows, object$n_rows)) {
    stop("the model holds no codes of its training rows: give `newdata`", call. = FALSE)
  }
  level_codes(object, level)
}

# The codes that are kept: of row blocks their sums.
level_codes <- function(object, level) {
  model <- nnae_python(object)
  codes <- if (inherits(object, "nnae_nmf")) model$codes_ else model$codes_[level - 1L]
  from_numpy_matrix(codes, list(rownames(object$y), concept_names(object$widths[level])))
}

# What codes of a level say of every label.
rates_of_codes <- function(object, codes, level, type) {
  Z <- as_numpy(codes, "codes")
  model <- nnae_python(object)
  rates <- call_python(
    if (inherits(object, "nnae_nmf")) {
      model$inverse_transform(Z)
    } else {
      model$inverse_transform(Z, level = level)
    }
  )
  rates <- from_numpy_matrix(rates, list(rownames(codes), object$labels))
  if (type == "response" && object$loss_name == "bernoulli") -expm1(-rates) else rates
}

#' @rdname nnae_compressor
#' @export
coef.nnae_compressor <- function(object, level = 1, what = c("concepts", "weights"), ...) {
  check_unused(...)
  level <- check_level(level, object$widths)
  what <- check_choice(what, "what", c("concepts", "weights"))
  if (what == "weights" || level == 1L) {
    return(level_weights(object, level))
  }
  concepts <- call_python(nnae_python(object)$concepts(level))
  from_numpy_matrix(concepts, list(concept_names(object$widths[level]), object$labels))
}

codes_of <- function(object, y, level, x, sep, mask) {
  if (!is.null(y)) y <- as_label_matrix(y, "newdata", sep, known = object$labels)
  given <- list(if (!is.null(y)) to_scipy(y))
  if (!is.null(mask)) {
    if (is.null(y)) refuse("`mask` needs `newdata`")
    given$mask <- cells_of(y, mask)$mask
  }
  if (inherits(object, "nnae_autoencoder")) {
    given <- c(given, list(level = level, X = if (!is.null(x)) to_python_features(x, "x_new")))
  } else if (!is.null(x)) {
    refuse("`x_new` is for nnae_autoencoder() with features")
  }
  codes <- call_python(do.call(nnae_python(object)$transform, given))
  rows <- if (is.null(y)) rownames(x) else rownames(y)
  from_numpy_matrix(codes, list(rows, concept_names(object$widths[level])))
}

codes_of_blocks <- function(object, blocks, level) {
  given <- list(python_blocks(blocks))
  if (inherits(object, "nnae_autoencoder")) given$level <- level
  parts <- call_python(do.call(nnae_python(object)$transform, given))
  builtins <- reticulate::import_builtins(convert = FALSE)
  found <- reticulate::iterate(call_python(builtins$list(parts)))
  names <- list(NULL, concept_names(object$widths[level]))
  do.call(rbind, lapply(found, from_numpy_matrix, names))
}

#' @rdname nnae_compressor
#' @export
predict.nnae_compressor <- function(object, newdata, type = c("codes", "response"), level = 1,
                                    x_new = NULL, mask = NULL, sep = ",", ...) {
  check_unused(...)
  level <- check_level(level, object$widths)
  type <- check_choice(type, "type", c("codes", "response"))
  if (missing(newdata) && is.null(x_new)) {
    codes <- training_codes(object, level)
  } else {
    y <- if (!missing(newdata)) newdata
    codes <- if (inherits(y, "nnae_row_blocks")) {
      codes_of_blocks(object, y, level)
    } else {
      codes_of(object, y, level, x_new, sep, mask)
    }
  }
  if (type == "codes") codes else rates_of_codes(object, codes, level, "response")
}

#' @rdname nnae_compressor
#' @export
fitted.nnae_compressor <- function(object, level = 1, type = c("response", "rate"), ...) {
  check_unused(...)
  level <- check_level(level, object$widths)
  type <- check_choice(type, "type", c("response", "rate"))
  rates_of_codes(object, training_codes(object, level), level, type)
}

#' @rdname nnae_compressor
#' @export
residuals.nnae_compressor <- function(object, level = 1, ...) {
  check_unused(...)
  check_has_labels(object)
  as.matrix(object$y) - fitted(object, level = level)
}

check_has_labels <- function(object) {
  if (is.null(object$y)) stop("the model holds no labels of its training rows", call. = FALSE)
}

model_title <- function(x) {
  if (inherits(x, "nnae_nmf")) "Non-negative matrix factorisation" else "Non-negative autoencoder"
}

#' @rdname nnae_compressor
#' @export
#' @method print nnae_compressor
print.nnae_compressor <- function(x, digits = 4, ...) {
  check_unused(...)
  cat(model_title(x), "\n\nCall: ", paste(deparse(x$call), collapse = "\n"), "\n", sep = "")
  cat(sprintf(
    "\n%d examples, %d labels, concepts: %s\n", x$n_rows, length(x$labels), toString(x$widths)
  ))
  cat(sprintf(
    "%s loss %s after %d sweeps, %s s\n", x$loss_name, format(x$loss, digits = digits), x$n_iter,
    format(x$seconds, digits = 2)
  ))
  invisible(x)
}

# One row a concept: level, number, share of its level's mass, top labels.
concept_table <- function(object, top) {
  tables <- lapply(seq_along(object$widths), function(level) {
    concepts <- coef(object, level = level)
    mass <- if (object$code_rows) colSums(level_codes(object, level)) else NA_real_
    if (inherits(object, "nnae_nmf")) mass <- mass * rowSums(concepts)
    best <- apply(concepts, 1, function(row) {
      order <- head(order(-row), top)
      paste(colnames(concepts)[order[row[order] > 0]], collapse = ", ")
    })
    share <- if (isTRUE(sum(mass) > 0)) mass / sum(mass) else mass
    data.frame(
      level = level, concept = seq_len(nrow(concepts)), share = unname(share),
      labels = unname(best)
    )
  })
  do.call(rbind, tables)
}

#' @rdname nnae_compressor
#' @export
#' @method summary nnae_compressor
summary.nnae_compressor <- function(object, top = 5, ...) {
  check_unused(...)
  top <- check_count(top, "top")
  structure(list(model = object, concepts = concept_table(object, top)),
    class = "summary.nnae_compressor"
  )
}

#' @rdname nnae_compressor
#' @export
#' @method print summary.nnae_compressor
print.summary.nnae_compressor <- function(x, n = 10, digits = 3, ...) {
  check_unused(...)
  print(x$model)
  for (level in seq_along(x$model$widths)) {
    table <- x$concepts[x$concepts$level == level, ]
    table <- table[order(-table$share), ]
    cat(sprintf("\nLevel %d, %d concepts:\n", level, nrow(table)))
    shown_rows <- head(table, n)
    cat(sprintf(
      "  %3d  %5s %%  %s\n", shown_rows$concept, format(100 * shown_rows$share, digits = digits),
      shown_rows$labels
    ), sep = "")
    if (nrow(table) > n) cat(sprintf("  ... %d more\n", nrow(table) - n))
  }
  invisible(x)
}

#' @rdname nnae_compressor
#' @export
plot.nnae_compressor <- function(x, which = c("concepts", "loss"), level = 1, n = 6, top = 8, ...) {
  which <- check_choice(which, "which", c("concepts", "loss"))
  if (which == "loss") {
    plot(seq_along(x$loss_curve), x$loss_curve,
      type = "l", xlab = "sweep", ylab = paste(x$loss_name, "objective"), ...
    )
    return(invisible(x))
  }
  level <- check_level(level, x$widths)
  table <- concept_table(x, 1)
  table <- table[table$level == level, ]
  kept <- head(table$concept[order(-table$share)], check_count(n, "n"))
  top <- check_count(top, "top")
  concepts <- coef(x, level = level)
  columns <- ceiling(sqrt(length(kept)))
  old <- graphics::par(mfrow = c(ceiling(length(kept) / columns), columns), las = 1)
  old$mar <- graphics::par("mar")
  on.exit(graphics::par(old))
  line <- graphics::par("cin")[2] * graphics::par("cex")
  for (concept in kept) {
    row <- concepts[concept, ]
    row <- rev(head(sort(row[row > max(row) / 100], decreasing = TRUE), top))
    if (!length(row)) next
    beside <- fit_names(names(row))
    graphics::par(mai = c(2.5 * line, beside$margin, 2.5 * line, line))
    graphics::barplot(
      row,
      names.arg = beside$names, horiz = TRUE, # bars of one thickness, from the top
      ylim = 1.2 * c(length(row) - top, length(row)) + 0.1,
      main = sprintf("level %d, concept %d", level, concept), ...
    )
  }
  invisible(x)
}

#' @rdname nnae_compressor
#' @rawNamespace S3method(tidy, nnae_compressor)
tidy.nnae_compressor <- function(x, ...) {
  check_unused(...)
  tables <- lapply(seq_along(x$widths), function(level) {
    concepts <- coef(x, level = level)
    cells <- which(concepts > 0, arr.ind = TRUE)
    data.frame(
      level = rep(level, nrow(cells)), concept = unname(cells[, 1]),
      label = colnames(concepts)[cells[, 2]], weight = unname(concepts[cells])
    )
  })
  table <- do.call(rbind, tables)
  table <- table[order(table$level, table$concept, -table$weight), ]
  rownames(table) <- NULL
  table
}

#' @rdname nnae_compressor
#' @rawNamespace S3method(glance, nnae_compressor)
glance.nnae_compressor <- function(x, ...) {
  check_unused(...)
  data.frame(
    nobs = x$n_rows, n_labels = length(x$labels), n_levels = length(x$widths),
    n_concepts = x$widths[1], loss_name = x$loss_name, loss = x$loss, n_iter = x$n_iter,
    seconds = x$seconds
  )
}

#' @rdname nnae_compressor
#' @rawNamespace S3method(augment, nnae_compressor)
augment.nnae_compressor <- function(x, data, level = 1, sep = ",", ...) {
  check_unused(...)
  codes <- if (missing(data)) {
    predict(x, level = level)
  } else {
    predict(x, data, level = level, sep = sep)
  }
  rows <- rownames(codes)
  colnames(codes) <- paste0(".", colnames(codes))
  result <- data.frame(
    .row = if (is.null(rows)) seq_len(nrow(codes)) else rows,
    .strongest = if (nrow(codes)) max.col(codes, ties.method = "first") else integer(),
    unname(codes)
  )
  names(result) <- c(".row", ".strongest", colnames(codes))
  result$.strongest[rowSums(codes) == 0] <- NA
  result
}
