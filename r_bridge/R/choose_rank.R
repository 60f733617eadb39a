#' Choose the number of concepts
#'
#' Compares ranks by the loss of cells that the fits have not seen (some positives, some zeros, in
#' every fold), and by how alike the concepts of fits with other seeds are.
#'
#' @inheritParams nnae_nmf
#' @param ranks Increasing numbers of concepts, at least two.
#' @param n_folds Number of folds, at least 2.
#' @param n_seeds Number of fits whose concepts are compared, 0 or at least 2.
#' @param zeros_per_positive Hidden zeros by hidden positives.
#' @param init Start: `"auto"`, `"random"`, `"nndsvd"`, `"nndsvda"` or `"nndsvdar"`.
#' @param code_penalty Penalty on codes, see [nnae_autoencoder()].
#' @param max_iter,tol Largest number of sweeps of every fit, and when to stop before.
#' @param verbose 1 shows a progress bar.
#' @return An object of class `nnae_choose_rank`: a list with the data frame `frame` (one row a
#'   rank: held-out loss, its standard error, excess over the best rank and its standard error, loss
#'   of training cells, the share of rates that comes from how frequent labels are (chosen by other
#'   folds), stability, seconds), `folds` (ranks x folds), `best`, the rank of least
#'   held-out loss, `one_se`, the smallest whose excess is within one standard error, and
#'   `loss_name`. It can be printed, plotted and summarised; `tidy` returns the frame, `glance` one
#'   row.
#' @param x,object A report.
#' @param ... Passed on by `plot` to [plot()]; else unused.
#' @examples
#' if (nnae_available()) {
#'   planted <- nnae_dataset("label_hierarchy", n_samples = 300, random_state = 0)
#'   report <- nnae_choose_rank(planted$y, c(1, 3, 12), n_folds = 3, n_seeds = 0, random_state = 0)
#'   print(report)
#'   plot(report)
#' }
#' @export
nnae_choose_rank <- function(y, ranks, loss = "auto", solver = "auto", init = "auto",
                             code_penalty = 0.1, max_iter = 200, tol = 1e-4, n_folds = 5,
                             n_seeds = 3, zeros_per_positive = 4, random_state = NULL,
                             n_threads = NULL,
                             verbose = 0, sep = ",") {
  module <- nnae_module()
  model <- call_python(module$NNAE(
    loss = check_text(loss, "loss"),
    solver = check_text(solver, "solver"),
    init = check_text(init, "init"),
    code_penalty = check_number_or_text(code_penalty, "code_penalty"),
    pretrain_iter = check_count(max_iter, "max_iter"),
    tol = check_number(tol, "tol")
  ))
  report <- call_python(module$choose_rank(
    to_python_labels(as_label_matrix(y, "y", sep)),
    as.list(vapply(ranks, check_count, 1L, name = "ranks")),
    model = model,
    n_folds = check_count(n_folds, "n_folds"),
    n_seeds = check_count(n_seeds, "n_seeds"),
    zeros_per_positive = check_number(zeros_per_positive, "zeros_per_positive"),
    random_state = check_count_or_null(random_state, "random_state"),
    n_threads = check_count_or_null(n_threads, "n_threads"),
    verbose = check_count(verbose, "verbose")
  ))
  structure(
    list(
      call = match.call(),
      frame = from_pandas(report$frame),
      folds = from_numpy_matrix(report$folds),
      best = as.integer(reticulate::py_to_r(report$best)),
      one_se = as.integer(reticulate::py_to_r(report$one_se)),
      loss_name = as.character(reticulate::py_to_r(report$loss_name))
    ),
    class = "nnae_choose_rank"
  )
}

#' @rdname nnae_choose_rank
#' @export
#' @method print nnae_choose_rank
print.nnae_choose_rank <- function(x, ...) {
  check_unused(...)
  cat(sprintf("Held-out %s loss of a cell, %d folds\n", x$loss_name, ncol(x$folds)))
  print(x$frame, digits = 4, row.names = FALSE)
  cat(sprintf("best: %d, within one standard error: %d\n", x$best, x$one_se))
  invisible(x)
}

#' @rdname nnae_choose_rank
#' @export
#' @method summary nnae_choose_rank
summary.nnae_choose_rank <- function(object, ...) {
  check_unused(...)
  glance(object)
}

#' @rdname nnae_choose_rank
#' @rawNamespace S3method(tidy, nnae_choose_rank)
tidy.nnae_choose_rank <- function(x, ...) {
  check_unused(...)
  x$frame
}

#' @rdname nnae_choose_rank
#' @rawNamespace S3method(glance, nnae_choose_rank)
glance.nnae_choose_rank <- function(x, ...) {
  check_unused(...)
  data.frame(
    best = x$best, one_se = x$one_se, loss = min(x$frame$loss), loss_name = x$loss_name,
    n_folds = ncol(x$folds)
  )
}

#' @rdname nnae_choose_rank
#' @export
#' @method plot nnae_choose_rank
plot.nnae_choose_rank <- function(x, ...) {
  frame <- x$frame
  low <- frame$loss - frame$se
  high <- frame$loss + frame$se
  plot(
    frame$rank, frame$loss,
    type = "b", pch = 19, log = "x", ylim = range(low, high), xlab = "number of concepts",
    ylab = sprintf("held-out %s loss of a cell", x$loss_name), ...
  )
  shown <- high > low
  graphics::arrows(
    frame$rank[shown], low[shown], frame$rank[shown], high[shown],
    angle = 90, code = 3, length = 0.04
  )
  graphics::abline(v = c(x$best, x$one_se), lty = c(2, 3))
  invisible(x)
}
