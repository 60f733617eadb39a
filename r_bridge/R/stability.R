#' Refit with other seeds and on other rows, and compare what comes out
#'
#' @param model A fit of [nnae_nmf()] or [nnae_autoencoder()]: its parameters are kept but for the
#'   seed, and widths that were chosen by it are fixed. Or a function of a seed that returns an
#'   unfitted estimator of Python's package.
#' @param y Labels to fit; NULL takes those of the model's training rows.
#' @param x NULL, or features for models that use them.
#' @param n_seeds Number of fits on all rows, at least 2.
#' @param n_bootstraps Number of fits on rows drawn with replacement, 0 or at least 2.
#' @param label_names Names that replace those of `y`, or NULL.
#' @param n_jobs Fits at a time; above 1 needs a model fitted with `n_threads = 1`.
#' @param checkpoint NULL, or a folder for finished fits: the same call goes on after an
#'   interruption.
#' @param verbose 1 shows a progress bar.
#' @param random_state Seed of seeds and draws, a whole number, or NULL.
#' @param sep Separator of labels in text.
#' @return An object of class `nnae_stability`: a list with the data frames `frame` (one row a
#'   source, level and metric) and `edges` (one row an edge of the first fit's graph with the share
#'   of other fits that have it), `trees` (linkage matrices of consensus trees, named
#'   `"seeds.1"`, ...), their `labels`, `hierarchy`, that of the first fit, and `consensus` with
#'   `consensus_edges`, the hierarchy that the seeds agree on (NULL for fewer than three labels).
#'   See [nnae_stability_methods].
#' @examples
#' if (nnae_available()) {
#'   planted <- nnae_dataset("label_hierarchy", n_samples = 300, random_state = 0)
#'   model <- nnae_nmf(planted$y, 3, random_state = 0)
#'   nnae_stability(model, n_seeds = 2, n_bootstraps = 2, random_state = 0)
#' }
#' @export
nnae_stability <- function(model, y = NULL, x = NULL, n_seeds = 10, n_bootstraps = 20,
                           label_names = NULL, n_jobs = 1, random_state = NULL, checkpoint = NULL,
                           verbose = 0, sep = ",") {
  make_model <- model_maker(model)
  if (is.null(y)) {
    if (is.null(model$y)) refuse("`y` must be given: the model holds no labels")
    labels <- to_python_labels(model$y)
  } else {
    labels <- to_python_labels(as_label_matrix(y, "y", sep))
  }
  arguments <- list(
    make_model,
    labels,
    X = if (!is.null(x)) to_python_features(x, "x"),
    n_seeds = check_count(n_seeds, "n_seeds"),
    n_bootstraps = check_count(n_bootstraps, "n_bootstraps"),
    label_names = check_names(label_names, "label_names"),
    n_jobs = check_count(n_jobs, "n_jobs"),
    random_state = check_count_or_null(random_state, "random_state"),
    checkpoint = if (!is.null(checkpoint)) path.expand(check_text(checkpoint, "checkpoint")),
    verbose = check_count(verbose, "verbose")
  )
  report <- call_python(do.call(nnae_module()$stability, arguments))
  if (arguments$n_jobs != 1) { # workers would outlive R otherwise, and complain
    reticulate::import("joblib.externals.loky", convert = FALSE)$get_reusable_executor()$shutdown()
  }
  hierarchy <- new_hierarchy(report$hierarchy, match.call())
  structure(
    list(
      call = match.call(),
      frame = from_pandas(report$frame),
      edges = from_pandas(report$edges),
      trees = stability_trees(report, length(hierarchy$widths)),
      labels = from_strings(report$labels),
      hierarchy = hierarchy,
      consensus = if (!is_none(report$consensus)) new_hierarchy(report$consensus, match.call()),
      consensus_edges = from_pandas(report$consensus_edges)
    ),
    class = "nnae_stability"
  )
}

# A Python function of a seed; of a fitted model, one that workers can be sent.
model_maker <- function(model) {
  if (is.function(model)) {
    return(function(seed) model(as.integer(plain(seed))))
  }
  if (inherits(model, "nnae_two_step")) model <- nnae_step_one(model)
  if (!inherits(model, "nnae_compressor")) {
    refuse("`model` must be a fitted compressor or a function of a seed; got %s", class(model)[1])
  }
  base <- reticulate::import("sklearn.base", convert = FALSE)
  unfitted <- base$clone(nnae_python(model))
  if (inherits(model, "nnae_autoencoder")) {
    unfitted$set_params(layer_sizes = reticulate::tuple(as.list(model$widths)))
  }
  made <- reticulate::py_run_string(
    paste(
      "def with_seed(unfitted):",
      "    from sklearn.base import clone",
      "    return lambda seed: clone(unfitted).set_params(random_state=int(seed))",
      sep = "\n"
    ),
    local = TRUE, convert = FALSE
  )
  made$with_seed(unfitted)
}

stability_trees <- function(report, depth) {
  keys <- expand.grid(level = seq_len(depth), source = c("seeds", "bootstraps"))
  trees <- Map(function(source, level) {
    tree <- report$linkages$get(reticulate::tuple(source, level))
    if (!inherits(tree, "python.builtin.NoneType")) from_numpy_matrix(tree)
  }, as.character(keys$source), keys$level)
  names(trees) <- paste(keys$source, keys$level, sep = ".")
  trees[!vapply(trees, is.null, TRUE)]
}

#' Methods of stability reports
#'
#' @param x,object A report of [nnae_stability()].
#' @param source `"seeds"`, or `"bootstraps"`.
#' @param level Level of the consensus tree.
#' @param share `summary` counts the edges that recur in at least this share of the fits.
#' @param ... Passed on by `plot` to [graphics::dotchart()]; else unused.
#' @return `tidy`: one row a source, level and metric; `glance`: the means of level 1 in one row;
#'   `summary`: that with the share of edges that recur. `as.hclust`: the consensus tree, average
#'   linkage of the share of fits that keep two labels apart.
#' @examples
#' if (nnae_available()) {
#'   planted <- nnae_dataset("label_hierarchy", n_samples = 300, random_state = 0)
#'   model <- nnae_nmf(planted$y, 3, random_state = 0)
#'   report <- nnae_stability(model, n_seeds = 2, n_bootstraps = 2, random_state = 0)
#'   table(cutree(as.hclust(report), k = 3))
#'   plot(report)
#' }
#' @name nnae_stability_methods
NULL

#' @rdname nnae_stability_methods
#' @export
#' @method print nnae_stability
print.nnae_stability <- function(x, ...) {
  check_unused(...)
  cat(sprintf(
    "Stability of %d labels over %d fits with other seeds and %d on other rows\n",
    length(x$hierarchy$labels), fits_of(x, "seeds"), fits_of(x, "bootstraps")
  ))
  print(x$frame, digits = 3, row.names = FALSE)
  invisible(x)
}

fits_of <- function(x, source) {
  found <- x$frame$n_fits[x$frame$source == source]
  if (length(found)) found[1] else 0L
}

#' @rdname nnae_stability_methods
#' @export
#' @method summary nnae_stability
summary.nnae_stability <- function(object, share = 0.6, ...) {
  check_unused(...)
  share <- check_number(share, "share")
  recurring <- vapply(c("in_seeds", "in_bootstraps"), function(column) {
    seen <- object$edges[[column]]
    seen <- seen[!is.na(seen)]
    if (length(seen)) mean(seen >= share - 1e-12) else NA_real_
  }, 0)
  cbind(glance(object), as.list(stats::setNames(recurring, paste0("recurring_", names(recurring)))))
}

#' @rdname nnae_stability_methods
#' @rawNamespace S3method(tidy, nnae_stability)
tidy.nnae_stability <- function(x, ...) {
  check_unused(...)
  x$frame
}

#' @rdname nnae_stability_methods
#' @rawNamespace S3method(glance, nnae_stability)
glance.nnae_stability <- function(x, ...) {
  check_unused(...)
  first <- x$frame[x$frame$level == 1, ]
  as.data.frame(as.list(stats::setNames(first$mean, paste(first$source, first$metric, sep = "_"))))
}

#' @rdname nnae_stability_methods
#' @export
as.hclust.nnae_stability <- function(x, source = "seeds", level = 1, ...) {
  check_unused(...)
  key <- paste(check_choice(source, "source", c("seeds", "bootstraps")), level, sep = ".")
  if (is.null(x$trees[[key]])) {
    refuse("there is no consensus tree of these; there are %s", toString(names(x$trees)))
  }
  linkage_hclust(x$trees[[key]], x$labels, x$call, "share of fits that keep two labels apart")
}

#' @rdname nnae_stability_methods
#' @export
plot.nnae_stability <- function(x, ...) {
  table <- x$frame[rev(seq_len(nrow(x$frame))), ]
  groups <- factor(paste(table$source, "- level", table$level))
  at <- order(groups)
  graphics::dotchart(
    table$mean[at],
    labels = gsub("_", " ", table$metric[at]), groups = groups[at], pch = 19,
    xlim = range(0, 1, table$low, table$high), xlab = "mean over pairs of fits", ...
  )
  invisible(x)
}
