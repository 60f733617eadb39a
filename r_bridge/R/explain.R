#' Explain why a label has its score
#'
#' A ledger of features and concepts whose lines add up to the score of one label for one example.
#'
#' @param model A fit of [nnae_two_step()].
#' @param x Features of one example, in the form of the fit.
#' @param label Name of the label, or its number.
#' @param top Number of concepts that are listed one by one, and of features of each; NULL lists
#'   all.
#' @param against NULL, or another label: why one rather than the other.
#' @param level Level of abstraction.
#' @param method How codes are led back to features: `"linear"` is exact, for a linear step two;
#'   `"occlusion"`, `"shapley"`, `"lime"`; `"auto"` is linear where it can be, else occlusion.
#' @param background NULL, or what each feature becomes when it is taken away; zeros by default.
#' @param feature_names Names that replace those the model knows, or NULL.
#' @param hierarchy NULL, or the hierarchy of the model's compressor, to name concepts as it does.
#' @param random_state Seed of `"shapley"` and `"lime"`.
#' @return An object of class `nnae_explanation`: a list with `label`, `score`, `probability`,
#'   `rank`, the data frames `frame` (the ledger), `features` (every feature through all concepts),
#'   `levels` (every level's account) and `counterfactuals` (what falls and rises without the
#'   strongest concepts and features), `text` and `html`. Numbers of concepts and features count
#'   from 1. See [nnae_explanation_methods].
#' @examples
#' if (nnae_available()) {
#'   y <- as.matrix(nnae_dataset("label_hierarchy", n_samples = 300, random_state = 0)$y)
#'   even <- seq(2, ncol(y), 2)
#'   model <- nnae_two_step(y[, even], y[, -even], random_state = 0)
#'   best <- predict(model, y[1, even, drop = FALSE], k = 1)$label
#'   nnae_explain(model, y[1, even, drop = FALSE], best)
#' }
#' @export
nnae_explain <- function(model, x, label, top = 5, against = NULL, level = 1, method = "auto",
                         background = NULL, feature_names = NULL, hierarchy = NULL,
                         random_state = 0) {
  check_two_step(model, "model")
  features <- encode_features(model$encoding, x, "x")
  if (nrow(features) != 1) refuse("`x` must be one example; got %d", nrow(features))
  if (is.null(feature_names)) feature_names <- model$features
  if (!is.null(hierarchy)) check_hierarchy(hierarchy, "hierarchy")
  arguments <- list(
    nnae_python(model), to_python_features(features, "x"),
    check_label(label, "label", model$labels),
    top = check_count_or_null(top, "top"),
    against = if (!is.null(against)) check_label(against, "against", model$labels),
    level = check_level(level, model$widths),
    method = check_text(method, "method"),
    background = if (!is.null(background)) reticulate::np_array(as.double(background)),
    feature_names = check_names(feature_names, "feature_names"),
    hierarchy = if (!is.null(hierarchy)) nnae_python(hierarchy),
    random_state = check_count(random_state, "random_state")
  )
  found <- call_python(do.call(nnae_module()$explain, arguments))
  value <- function(name) reticulate::py_to_r(found[[name]])
  counted <- function(frame, columns) {
    for (column in intersect(columns, names(frame))) {
      frame[[column]] <- ifelse(frame[[column]] < 0, NA_integer_, as.integer(frame[[column]]) + 1L)
    }
    frame
  }
  structure(
    list(
      call = match.call(), label = value("label"), score = value("score"),
      probability = value("probability"), rank = value("rank"), n_labels = value("n_labels"),
      decoder = value("decoder"), method = value("method"),
      frame = counted(from_pandas(found$frame), "concept"),
      features = counted(from_pandas(found$features), "feature"),
      levels = counted(from_pandas(found$levels), "concept"),
      counterfactuals = from_pandas(found$counterfactuals),
      text = as.character(reticulate::py_to_r(found$to_text())),
      html = as.character(reticulate::py_to_r(found$`_repr_html_`()))
    ),
    class = "nnae_explanation"
  )
}

check_two_step <- function(value, name) {
  if (!inherits(value, "nnae_two_step")) {
    refuse("`%s` must come from nnae_two_step(); got %s", name, class(value)[1])
  }
}

check_label <- function(value, name, labels) {
  if (is.character(value)) {
    check_text(value, name)
    if (!value %in% labels) refuse("`%s` must be a label of the model; got %s", name, shown(value))
    return(value)
  }
  value <- check_count(value, name)
  if (value < 1 || value > length(labels)) {
    refuse("`%s` must be between 1 and %d; got %d", name, length(labels), value)
  }
  value - 1L
}

#' Methods of explanations
#'
#' @param x,object An explanation of [nnae_explain()].
#' @param n Number of bars.
#' @param ... Passed on by `plot` to [graphics::barplot()]; else unused.
#' @return `tidy`: the ledger, one row a line; `glance` and `summary`: one row. `plot` draws what
#'   features and the other lines add to the score; [nnae_write_html()] writes a page.
#' @examples
#' if (nnae_available()) {
#'   y <- as.matrix(nnae_dataset("label_hierarchy", n_samples = 300, random_state = 0)$y)
#'   even <- seq(2, ncol(y), 2)
#'   model <- nnae_two_step(y[, even], y[, -even], random_state = 0)
#'   why <- nnae_explain(model, y[1, even, drop = FALSE], 3)
#'   sum(tidy(why)$contribution) - glance(why)$score
#'   plot(why)
#' }
#' @name nnae_explanation_methods
NULL

#' @rdname nnae_explanation_methods
#' @export
#' @method print nnae_explanation
print.nnae_explanation <- function(x, ...) {
  check_unused(...)
  cat(x$text, "\n", sep = "")
  invisible(x)
}

#' @rdname nnae_explanation_methods
#' @export
#' @method summary nnae_explanation
summary.nnae_explanation <- function(object, ...) {
  check_unused(...)
  glance(object)
}

#' @rdname nnae_explanation_methods
#' @rawNamespace S3method(tidy, nnae_explanation)
tidy.nnae_explanation <- function(x, ...) {
  check_unused(...)
  x$frame
}

#' @rdname nnae_explanation_methods
#' @rawNamespace S3method(glance, nnae_explanation)
glance.nnae_explanation <- function(x, ...) {
  check_unused(...)
  data.frame(
    label = x$label, score = x$score,
    probability = if (is.null(x$probability)) NA_real_ else x$probability,
    rank = x$rank, n_labels = x$n_labels, decoder = x$decoder, method = x$method
  )
}

#' @rdname nnae_explanation_methods
#' @export
plot.nnae_explanation <- function(x, n = 12, ...) {
  lines <- x$features
  order <- order(-abs(lines$contribution))
  shown_lines <- head(lines[order, ], check_count(n, "n"))
  rest <- sum(lines$contribution) - sum(shown_lines$contribution)
  amounts <- rev(c(stats::setNames(shown_lines$contribution, shown_lines$name), `all else` = rest))
  beside <- fit_names(names(amounts))
  old <- graphics::par(las = 1, mai = replace(graphics::par("mai"), 2, beside$margin))
  on.exit(graphics::par(old))
  graphics::barplot(unname(amounts),
    names.arg = beside$names, horiz = TRUE, border = NA,
    col = ifelse(amounts < 0, "#ee6677", "#4477aa"),
    xlab = sprintf("contribution to %s", format(x$score, digits = 3)), main = x$label, ...
  )
  graphics::abline(v = 0)
  invisible(x)
}

#' Write one page about a model
#'
#' Whether its tree can be trusted, the tree, which labels depend on which, how accurate the model
#' is, and examples with the flow from features through concepts to labels: one HTML file that opens
#' without a network.
#'
#' @param model A fit of [nnae_two_step()].
#' @param path File to write.
#' @param hierarchy NULL, or the hierarchy of the model's compressor.
#' @param audit,dependencies NULL, or what [nnae_audit()] and [nnae_dependencies()] returned; made
#'   on the labels of the examples by default.
#' @param x,y NULL, or features and labels of examples that did not train the model; without them
#'   the page has the tree alone.
#' @param feature_names Names that replace those the model knows, or NULL.
#' @param title Title of the page.
#' @param n_examples Examples to show, taken at equal distances.
#' @param top Features and concepts of each flow.
#' @param random_state Seed of the audit.
#' @return The path, invisibly.
#' @examples
#' if (nnae_available()) {
#'   y <- as.matrix(nnae_dataset("label_hierarchy", n_samples = 300, random_state = 0)$y)
#'   even <- seq(2, ncol(y), 2)
#'   model <- nnae_two_step(y[1:200, even], y[1:200, -even], random_state = 0)
#'   nnae_report(model, tempfile(fileext = ".html"), n_examples = 4)
#' }
#' @export
nnae_report <- function(model, path, hierarchy = NULL, audit = NULL, x = NULL, y = NULL,
                        dependencies = NULL, feature_names = NULL,
                        title = "Report of a label model", n_examples = 60, top = 6,
                        random_state = 0) {
  check_two_step(model, "model")
  if (!is.null(hierarchy)) check_hierarchy(hierarchy, "hierarchy")
  if (is.null(x) != is.null(y)) refuse("`x` and `y` must be given together")
  if (is.null(feature_names)) feature_names <- model$features
  examples <- if (!is.null(x)) {
    features <- encode_features(model$encoding, x, "x")
    labels <- as_label_matrix(y, "y", known = model$labels)
    rows <- if (!is.null(rownames(features))) as.list(rownames(features))
    given <- list(to_python_features(features, "x"), to_scipy(labels), rows)
    reticulate::tuple(given[!vapply(given, is.null, TRUE)])
  }
  module <- nnae_module()
  if (!is.null(audit)) {
    if (!inherits(audit, "nnae_audit")) refuse("`audit` must come from nnae_audit()")
    audit <- module$AuditReport(
      reticulate::r_to_py(audit$frame), audit$verdict, audit$trustworthy,
      reticulate::dict(as.list(audit$checks))
    )
  }
  if (!is.null(dependencies)) {
    about <- reticulate::r_to_py(attr(dependencies, "about"))
    dependencies <- reticulate::r_to_py(as.data.frame(dependencies))
    dependencies$attrs <- about
  }
  call_python(module$report(
    nnae_python(model), path.expand(check_text(path, "path")),
    hierarchy = if (!is.null(hierarchy)) nnae_python(hierarchy),
    audit = audit, examples = examples, dependencies = dependencies,
    feature_names = check_names(feature_names, "feature_names"),
    title = check_text(title, "title"),
    n_examples = check_count(n_examples, "n_examples"),
    top = check_count(top, "top"),
    random_state = check_count(random_state, "random_state")
  ))
  invisible(path)
}
