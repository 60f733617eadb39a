#' Measure whether the tree helps to foresee the model, by simulated readers
#'
#' Simple learners see decisions of the model for some examples and foretell others, with the tree,
#' without it, with a shuffled tree, and with a tree that anyone could build.
#'
#' @param model A fit of [nnae_two_step()].
#' @param hierarchy A hierarchy of its labels.
#' @param x_heldout,y_heldout Features and labels of examples that trained neither.
#' @param y_train NULL, or labels to build the rival tree from.
#' @param groups NULL, or the group of each row; rows of a group are never on both sides.
#' @param top_k NULL: decisions are the predicted labels; or the best so many.
#' @param n_revealed Labels revealed of each example.
#' @param n_explained Examples that a reader sees explained.
#' @param n_repeats Draws of explained examples.
#' @param n_draws Bootstrap draws of the intervals.
#' @param readers Some of `"neighbors"`, `"tree"`, `"logistic"`.
#' @param removal_level NULL, or the level of the concepts that are removed in the second form.
#' @param random_state Seed, a whole number, or NULL.
#' @param n_threads Threads, or NULL for all; the result does not depend on it.
#' @param sep Separator of labels in text.
#' @param x,object A report.
#' @param form For `plot`: `"decisions"` or `"removals"`.
#' @param ... Passed on by `plot` to [plot()]; else unused.
#' @return An object of class `nnae_simulation`: a list with the data frames `frame` (one row a
#'   form, reader and quantity) and `counts`, `verdict` and `useful`. `tidy` returns the frame,
#'   `glance` and `summary` one row.
#' @examples
#' if (nnae_available()) {
#'   planted <- nnae_dataset("label_hierarchy", n_samples = 600, random_state = 0)
#'   y <- planted$y
#'   step_one <- nnae_autoencoder(y[1:300, ], layer_sizes = c(12, 3), random_state = 0)
#'   model <- nnae_two_step(y[1:300, ], y[1:300, ], step_one, random_state = 0, profile = "fast")
#'   report <- nnae_simulate_reader(
#'     model, nnae_hierarchy(model), y[301:600, ], y[301:600, ],
#'     n_repeats = 3, n_draws = 100, random_state = 0
#'   )
#'   report
#' }
#' @export
nnae_simulate_reader <- function(model, hierarchy, x_heldout, y_heldout, y_train = NULL,
                                 groups = NULL, top_k = NULL, n_revealed = 2, n_explained = 30,
                                 n_repeats = 20, n_draws = 1000,
                                 readers = c("neighbors", "tree", "logistic"),
                                 removal_level = NULL, random_state = NULL, n_threads = NULL,
                                 sep = ",") {
  check_two_step(model, "model")
  check_hierarchy(hierarchy, "hierarchy")
  encode <- function(y, name) {
    if (!is.null(y)) to_scipy(as_label_matrix(y, name, sep, known = hierarchy$labels))
  }
  features <- encode_features(model$encoding, x_heldout, "x_heldout")
  arguments <- list(
    nnae_python(model), nnae_python(hierarchy), to_python_features(features, "x_heldout"),
    encode(y_heldout, "y_heldout"),
    Y_train = encode(y_train, "y_train"),
    groups = check_groups(groups, nrow(features)),
    top_k = check_count_or_null(top_k, "top_k"),
    n_revealed = check_count(n_revealed, "n_revealed"),
    n_explained = check_count(n_explained, "n_explained"),
    n_repeats = check_count(n_repeats, "n_repeats"),
    n_draws = check_count(n_draws, "n_draws"),
    readers = reticulate::tuple(as.list(readers)),
    removal_level = check_count_or_null(removal_level, "removal_level"),
    random_state = check_count_or_null(random_state, "random_state"),
    n_threads = check_count_or_null(n_threads, "n_threads")
  )
  report <- call_python(do.call(nnae_module()$simulate_reader, arguments))
  structure(
    list(
      call = match.call(), frame = from_pandas(report$frame), counts = from_pandas(report$counts),
      verdict = as.character(reticulate::py_to_r(report$verdict)),
      useful = isTRUE(reticulate::py_to_r(report$useful))
    ),
    class = "nnae_simulation"
  )
}

#' @rdname nnae_simulate_reader
#' @export
#' @method print nnae_simulation
print.nnae_simulation <- function(x, ...) {
  check_unused(...)
  cat(strwrap(x$verdict, 80), "", sep = "\n")
  print(x$frame[x$frame$reader == "mean", ], digits = 3, row.names = FALSE)
  invisible(x)
}

#' @rdname nnae_simulate_reader
#' @export
#' @method summary nnae_simulation
summary.nnae_simulation <- function(object, ...) {
  check_unused(...)
  glance(object)
}

#' @rdname nnae_simulate_reader
#' @rawNamespace S3method(tidy, nnae_simulation)
tidy.nnae_simulation <- function(x, ...) {
  check_unused(...)
  x$frame
}

#' @rdname nnae_simulate_reader
#' @rawNamespace S3method(glance, nnae_simulation)
glance.nnae_simulation <- function(x, ...) {
  check_unused(...)
  rows <- x$frame[x$frame$reader == "mean" & x$frame$form == "decisions", ]
  data.frame(useful = x$useful, as.list(stats::setNames(rows$value, rows$quantity)))
}

#' @rdname nnae_simulate_reader
#' @export
plot.nnae_simulation <- function(x, form = "decisions", ...) {
  form <- check_choice(form, "form", unique(x$frame$form))
  table <- x$frame[x$frame$form == form & x$frame$reader == "mean", ]
  table <- table[!grepl("^gain|over", table$quantity), ]
  plot_intervals(
    table$value, table$ci_low, table$ci_high, gsub("_", " ", table$quantity),
    xlab = "right answers of simulated readers", ...
  )
  graphics::abline(v = 0.5, lty = 3)
  invisible(x)
}

# Values with intervals, the first on top.
plot_intervals <- function(value, low, high, names, ...) {
  rows <- rev(seq_along(value))
  beside <- fit_names(names, 0.9)
  old <- graphics::par(las = 1, mai = replace(graphics::par("mai"), 2, beside$margin))
  on.exit(graphics::par(old))
  ends <- c(value, low, high)
  plot(value, rows,
    xlim = range(ends[is.finite(ends)]), ylim = c(0.5, length(rows) + 0.5), yaxt = "n", pch = 19,
    ylab = "", ...
  )
  graphics::axis(2, rows, beside$names, cex.axis = 0.9, tick = FALSE)
  graphics::segments(low, rows, high)
}
