#' Factorise labels by non-negative matrix factorisation
#'
#' Minimises a loss between the labels `y` (n x L) and the product of codes (n x k) and weights
#' (k x L), all non-negative, without making a dense n x L matrix.
#'
#' @param y Labels: a matrix or one of package Matrix (examples x labels), a data frame of numeric
#'   columns or of one list column, a list of character vectors, or text with labels between `sep`;
#'   or [nnae_row_blocks()], with a named `init`.
#' @param n_components Number of concepts k.
#' @param loss `"bernoulli"` for 0/1 labels with `P(y = 1) = 1 - exp(-rate)`,
#'   `"kullback-leibler"`, `"frobenius"`; `"auto"` is `"bernoulli"` where every value is 0 or 1,
#'   else `"frobenius"`.
#' @param solver `"cd"` (coordinate descent, also `"auto"`) or `"mu"` (multiplicative updates).
#' @param init Start: `"auto"`, `"random"`, `"nndsvd"` (from singular vectors), with its zeros
#'   filled by the mean `"nndsvda"` or by small random numbers `"nndsvdar"`, or a list of two
#'   matrices, codes (n x k) and weights (k x L).
#' @param n_init Number of fits, of which the best is kept; with `init = "auto"` those after the
#'   first start at random.
#' @param max_iter Largest number of sweeps.
#' @param tol Stop when a sweep lowers the objective by less than this share of its first value.
#' @param stopping What `tol` is compared with: `"decrease"` as above, or `"gradient"`, the norm of
#'   the projected gradient by its norm at the start, which is small near stationary points alone.
#' @param random_state Seed, a whole number, or NULL.
#' @param n_threads Threads, or NULL for all; the result does not depend on it.
#' @param verbose 1 prints the objective after every sweep.
#' @param callback NULL or a function of the number of the sweep and the objective.
#' @param sample_weight NULL or one non-negative weight an example.
#' @param mask NULL or a matrix (or one of package Matrix) of the shape of the labels, not zero
#'   where they are known; what they hold elsewhere has no influence.
#' @param propensities NULL or, for each label, the probability in (0, 1] that it was recorded where
#'   it is there: every positive counts 1 / p.
#' @param sep Separator of labels in text.
#' @param checkpoint NULL, or a file such as `"fit.part"` from which the same fit goes on after it
#'   was interrupted.
#' @param codes_folder NULL, or a new folder for the codes of row blocks. When the fit is done it
#'   holds `codes_1.npy` (`codes_2.npy`, ... of further levels), the codes of all rows.
#' @param ... By name: parameters of a newer Python's class, or of its method `fit`, that have no
#'   argument here. Matrices, vectors and whole numbers become what Python expects.
#' @return An object of class `nnae_nmf`; see [nnae_compressor] for its methods.
#' @seealso [nnae_autoencoder()] for several levels.
#' @examples
#' if (nnae_available()) {
#'   dishes <- list(c("egg", "flour"), c("egg", "flour"), "leek", c("leek", "potato"), "potato")
#'   model <- nnae_nmf(dishes, n_components = 2, random_state = 0)
#'   print(model)
#'   coef(model)
#' }
#' @export
nnae_nmf <- function(y, n_components = 100, loss = "auto", solver = "auto", init = "auto",
                     n_init = 1, max_iter = 200, tol = 1e-4, stopping = "decrease",
                     random_state = NULL, n_threads = NULL, verbose = 0, callback = NULL,
                     sample_weight = NULL,
                     mask = NULL, propensities = NULL, sep = ",", checkpoint = NULL,
                     codes_folder = NULL, ...) {
  parameters <- list(
    n_components = check_count(n_components, "n_components"),
    loss = check_text(loss, "loss"),
    solver = check_text(solver, "solver"),
    init = check_start(init, "init"),
    n_init = check_count(n_init, "n_init"),
    max_iter = check_count(max_iter, "max_iter"),
    tol = check_number(tol, "tol"),
    stopping = check_text(stopping, "stopping"),
    random_state = check_count_or_null(random_state, "random_state"),
    n_threads = check_count_or_null(n_threads, "n_threads"),
    verbose = check_count(verbose, "verbose"),
    callback = check_callback(callback, "callback"),
    checkpoint = check_checkpoint(checkpoint),
    codes_folder = check_folder(codes_folder, "codes_folder")
  )
  further <- further_parameters(list(...), "NMF")
  if (!inherits(y, "nnae_row_blocks")) y <- as_label_matrix(y, "y", sep)
  fit_compressor(
    "NMF", c(parameters, further$class), y, sample_weight, match.call(),
    of_fit = c(cells_of(y, mask, propensities), further$fit)
  )
}
