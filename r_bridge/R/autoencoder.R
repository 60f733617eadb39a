#' Compress labels by a deep non-negative autoencoder
#'
#' Every level has codes of its own: level 1 models the labels, level l the codes below it. Rows of
#' every weight matrix sum to one; they are the concepts of the level.
#'
#' @inheritParams nnae_nmf
#' @param y Labels, in any form that [nnae_nmf()] takes; or [nnae_row_blocks()], read once with
#'   `encoder = "linear"` or `"tied"`, once a sweep with `"nnls"`.
#' @param layer_sizes Decreasing widths of the levels, such as `c(60, 12)`; `"auto"` chooses them.
#' @param loss Loss of level 1, see [nnae_nmf()].
#' @param encoder `"nnls"`: codes of least loss given the weights; `"linear"`: codes are a linear
#'   map of the labels, fitted on their co-occurrence at a cost that does not depend on the rows;
#'   `"tied"`: likewise, the map being the transpose of the weights; `"relu"`: codes are
#'   `max(0, y V + b)`, trained by gradients like a neural network.
#' @param objective `"levels"`: every level has a loss; `"chain"`: only the reconstruction from the
#'   last level counts.
#' @param feature_weight Weight of features beside labels in level 1; 0 compresses labels alone,
#'   `"auto"` chooses by held-out rows. Above 0 it needs `x`.
#' @param x NULL, or features of the same rows, a matrix or one of package Matrix.
#' @param init Start of every level: `"auto"`, `"random"`, `"nndsvd"`, `"nndsvda"` or
#'   `"nndsvdar"`, or a list with a list of two matrices for each level, codes and weights.
#' @param code_penalty Penalty on the codes of level 1, or `"auto"`.
#' @param cooccurrence How `encoder = "linear"` counts which labels occur together: `"explicit"`,
#'   once for all sweeps; `"implicit"`, anew in each, in less memory where rows are long; `"auto"`.
#' @param code_l2 Penalty on half the squares of the codes of level 1.
#' @param sparseness NULL, or the least sparseness of Hoyer (0 to below 1) of every concept; one
#'   number, or one a level.
#' @param orthogonality Price of overlap of concepts, at least 0.
#' @param pretrain_iter Largest number of sweeps of each level's pretraining.
#' @param max_iter Largest number of joint sweeps.
#' @return An object of class `nnae_autoencoder`; see [nnae_compressor] for its methods.
#' @examples
#' if (nnae_available()) {
#'   planted <- nnae_dataset("label_hierarchy", n_samples = 200, random_state = 0)
#'   model <- nnae_autoencoder(planted$y, layer_sizes = c(12, 3), random_state = 0)
#'   summary(model)
#' }
#' @export
nnae_autoencoder <- function(y, layer_sizes = "auto", loss = "auto", encoder = "nnls",
                             objective = "levels", feature_weight = 0, solver = "auto",
                             init = "auto", n_init = 1, code_penalty = "auto", code_l2 = 0,
                             sparseness = NULL, orthogonality = 0, pretrain_iter = 200,
                             max_iter = 50, tol = 1e-4, random_state = NULL, n_threads = NULL,
                             verbose = 0, callback = NULL, sample_weight = NULL, mask = NULL,
                             propensities = NULL, x = NULL, sep = ",",
                             cooccurrence = "auto", checkpoint = NULL,
                             codes_folder = NULL, ...) {
  parameters <- list(
    layer_sizes = check_widths(layer_sizes, "layer_sizes"),
    loss = check_text(loss, "loss"),
    encoder = check_text(encoder, "encoder"),
    objective = check_text(objective, "objective"),
    feature_weight = check_number_or_text(feature_weight, "feature_weight"),
    solver = check_text(solver, "solver"),
    init = check_starts(init, "init"),
    n_init = check_count(n_init, "n_init"),
    code_penalty = check_number_or_text(code_penalty, "code_penalty"),
    code_l2 = check_number(code_l2, "code_l2"),
    cooccurrence = check_text(cooccurrence, "cooccurrence"),
    sparseness = check_numbers(sparseness, "sparseness"),
    orthogonality = check_number(orthogonality, "orthogonality"),
    pretrain_iter = check_count(pretrain_iter, "pretrain_iter"),
    max_iter = check_count(max_iter, "max_iter"),
    tol = check_number(tol, "tol"),
    random_state = check_count_or_null(random_state, "random_state"),
    n_threads = check_count_or_null(n_threads, "n_threads"),
    verbose = check_count(verbose, "verbose"),
    callback = check_callback(callback, "callback"),
    checkpoint = check_checkpoint(checkpoint),
    codes_folder = check_folder(codes_folder, "codes_folder")
  )
  further <- further_parameters(list(...), "NNAE")
  if (!inherits(y, "nnae_row_blocks")) y <- as_label_matrix(y, "y", sep)
  fit_compressor(
    "NNAE", c(parameters, further$class), y, sample_weight, match.call(), x,
    c(cells_of(y, mask, propensities), further$fit)
  )
}
