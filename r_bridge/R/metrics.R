#' Measures of ranked labels and of label sets
#'
#' Precision, recall, nDCG, coverage, their propensity-scored forms, F1 and Hamming loss, for all
#' rows or row by row. Rows without true labels stay in every mean and count 0.
#'
#' @param y_true True labels, in any form that [nnae_nmf()] takes; a label is true where its value
#'   is above zero.
#' @param ranking Ranked labels: the data frame of `predict(model, type = "topk")`, or a matrix with
#'   a row an example, best first, of names or column numbers of `y_true` (NA: nothing predicted).
#' @param k Number of labels counted from the top.
#' @param propensity One number a label, of `nnae_propensities` of the *training* labels.
#' @param y_pred Predicted label sets, a matrix with the columns of `y_true`.
#' @param average `"micro"`, `"macro"` or `"examples"`.
#' @param zero_division Value where nothing is true and nothing predicted; NaN leaves it out.
#' @param y_train Training labels.
#' @param A,B Constants of the data set.
#' @param values One number a row, as of `nnae_precision_per_row`.
#' @param best NULL, or denominators, as the second column of `nnae_psp_per_row`.
#' @return One number; of `*_per_row` one number a row, for the propensity-scored ones a data frame
#'   with the columns `gained` and `best`; of `nnae_propensities` one number a label.
#' @examples
#' if (nnae_available()) {
#'   truth <- list(c("egg", "leek"), "flour", c("egg", "flour"))
#'   ranking <- rbind(c("egg", "flour"), c("flour", "egg"), c("leek", NA))
#'   nnae_precision_at_k(truth, ranking, 1)
#'   rows <- nnae_ndcg_per_row(truth, ranking, 2)
#'   nnae_standard_error(rows)
#'   nnae_propensities(truth)
#' }
#' @name nnae_metrics
NULL

metric <- function(name, ...) call_python(nnae_module()$metrics[[name]](...))

# The truth and a ranking of its rows, for Python.
ranked <- function(y_true, ranking) {
  truth <- as_label_matrix(y_true, "y_true")
  list(truth = to_scipy(truth), ranking = as_ranking(ranking, truth))
}

as_ranking <- function(ranking, truth) {
  if (is.data.frame(ranking)) ranking <- ranking_matrix(ranking, truth)
  if (!is.matrix(ranking)) {
    refuse("`ranking` must be a matrix or a data frame of predict(); got %s", shown(ranking))
  }
  if (is.character(ranking)) {
    numbers <- match(ranking, colnames(truth))
    unknown <- !is.na(ranking) & is.na(numbers)
    if (any(unknown)) {
      first <- dQuote(ranking[unknown][1], FALSE)
      refuse("`ranking` holds %s, which is no label of `y_true`", first)
    }
    ranking <- matrix(numbers, nrow(ranking))
  }
  if (!is.numeric(ranking) || any(ranking != round(ranking), na.rm = TRUE)) {
    refuse("`ranking` must hold names or numbers of labels")
  }
  if (any(ranking < 1 | ranking > ncol(truth), na.rm = TRUE)) {
    refuse("`ranking` must hold numbers from 1 to %d, the labels of `y_true`", ncol(truth))
  }
  numbers <- matrix(as.integer(ranking), nrow(ranking))
  numbers[is.na(numbers)] <- 0L
  reticulate::np_array(numbers - 1L, dtype = "int64")
}

ranking_matrix <- function(table, truth) {
  if (!all(c("row", "rank", "label") %in% names(table))) {
    refuse("`ranking` must have the columns row, rank and label of predict(type = \"topk\")")
  }
  rows <- if (is.character(table$row)) match(table$row, rownames(truth)) else table$row
  if (anyNA(rows)) {
    refuse("`y_true` has no row %s", dQuote(table$row[is.na(rows)][1], FALSE))
  }
  if (any(rows > nrow(truth))) {
    refuse("`ranking` has row %d, `y_true` has %d rows", as.integer(max(rows)), nrow(truth))
  }
  result <- matrix(NA_character_, nrow(truth), max(table$rank, 1L))
  result[cbind(rows, table$rank)] <- table$label
  if (is.null(colnames(truth))) storage.mode(result) <- "integer"
  result
}

#' @rdname nnae_metrics
#' @export
nnae_precision_at_k <- function(y_true, ranking, k) {
  pair <- ranked(y_true, ranking)
  number_of(metric("precision_at_k", pair$truth, pair$ranking, check_count(k, "k")))
}

#' @rdname nnae_metrics
#' @export
nnae_recall_at_k <- function(y_true, ranking, k) {
  pair <- ranked(y_true, ranking)
  number_of(metric("recall_at_k", pair$truth, pair$ranking, check_count(k, "k")))
}

#' @rdname nnae_metrics
#' @export
nnae_ndcg_at_k <- function(y_true, ranking, k) {
  pair <- ranked(y_true, ranking)
  number_of(metric("ndcg_at_k", pair$truth, pair$ranking, check_count(k, "k")))
}

#' @rdname nnae_metrics
#' @export
nnae_coverage_at_k <- function(y_true, ranking, k) {
  pair <- ranked(y_true, ranking)
  number_of(metric("coverage_at_k", pair$truth, pair$ranking, check_count(k, "k")))
}

#' @rdname nnae_metrics
#' @export
nnae_precision_per_row <- function(y_true, ranking, k) {
  pair <- ranked(y_true, ranking)
  from_numpy(metric("precision_per_row", pair$truth, pair$ranking, check_count(k, "k")))
}

#' @rdname nnae_metrics
#' @export
nnae_recall_per_row <- function(y_true, ranking, k) {
  pair <- ranked(y_true, ranking)
  from_numpy(metric("recall_per_row", pair$truth, pair$ranking, check_count(k, "k")))
}

#' @rdname nnae_metrics
#' @export
nnae_ndcg_per_row <- function(y_true, ranking, k) {
  pair <- ranked(y_true, ranking)
  from_numpy(metric("ndcg_per_row", pair$truth, pair$ranking, check_count(k, "k")))
}

#' @rdname nnae_metrics
#' @export
nnae_psp_at_k <- function(y_true, ranking, k, propensity) {
  pair <- ranked(y_true, ranking)
  number_of(metric(
    "psp_at_k", pair$truth, pair$ranking, check_count(k, "k"), as_propensity(propensity)
  ))
}

#' @rdname nnae_metrics
#' @export
nnae_psndcg_at_k <- function(y_true, ranking, k, propensity) {
  pair <- ranked(y_true, ranking)
  number_of(metric(
    "psndcg_at_k", pair$truth, pair$ranking, check_count(k, "k"), as_propensity(propensity)
  ))
}

#' @rdname nnae_metrics
#' @export
nnae_psp_per_row <- function(y_true, ranking, k, propensity) {
  pair <- ranked(y_true, ranking)
  gained_and_best(metric(
    "psp_per_row", pair$truth, pair$ranking, check_count(k, "k"), as_propensity(propensity)
  ))
}

#' @rdname nnae_metrics
#' @export
nnae_psndcg_per_row <- function(y_true, ranking, k, propensity) {
  pair <- ranked(y_true, ranking)
  gained_and_best(metric(
    "psndcg_per_row", pair$truth, pair$ranking, check_count(k, "k"), as_propensity(propensity)
  ))
}

number_of <- function(value) as.double(reticulate::py_to_r(value))

gained_and_best <- function(value) {
  data.frame(gained = from_numpy(value[0L]), best = from_numpy(value[1L]))
}

as_propensity <- function(value) {
  if (!is.numeric(value) || anyNA(value)) {
    refuse("`propensity` must hold one number a label; got %s", shown(value))
  }
  reticulate::np_array(as.double(value))
}

#' @rdname nnae_metrics
#' @export
nnae_f1 <- function(y_true, y_pred, average = "micro", zero_division = 0) {
  pair <- label_sets(y_true, y_pred)
  zero_division <- if (is.nan(zero_division)) NaN else check_number(zero_division, "zero_division")
  number_of(metric(
    "f1", pair$truth, pair$found, check_text(average, "average"),
    zero_division = zero_division
  ))
}

#' @rdname nnae_metrics
#' @export
nnae_hamming <- function(y_true, y_pred) {
  pair <- label_sets(y_true, y_pred)
  number_of(metric("hamming", pair$truth, pair$found))
}

label_sets <- function(y_true, y_pred) {
  truth <- as_label_matrix(y_true, "y_true")
  found <- as_label_matrix(y_pred, "y_pred", known = colnames(truth))
  list(truth = to_scipy(truth), found = to_scipy(found))
}

#' @rdname nnae_metrics
#' @export
nnae_propensities <- function(y_train, A = 0.55, B = 1.5) { # nolint: object_name_linter.
  labels <- as_label_matrix(y_train, "y_train")
  found <- metric("propensities", to_scipy(labels), check_number(A, "A"), check_number(B, "B"))
  stats::setNames(from_numpy(found), colnames(labels))
}

#' @rdname nnae_metrics
#' @export
nnae_standard_error <- function(values, best = NULL) {
  as_rows <- function(value, name) {
    if (!is.numeric(value) || anyNA(value)) {
      refuse("`%s` must hold one number a row; got %s", name, shown(value))
    }
    reticulate::np_array(as.double(value))
  }
  number_of(metric(
    "standard_error", as_rows(values, "values"), if (!is.null(best)) as_rows(best, "best")
  ))
}
