# R's defaults are Python's: what differs by name or kind is said here.
pairs <- list(
  list(nnae_dependencies, "label_dependencies"),
  list(nnae_audit, "audit"),
  list(nnae_stability, "stability"),
  list(nnae_explain, "explain"),
  list(nnae_simulate_reader, "simulate_reader"),
  list(nnae_reader_study, "reader_study"),
  list(nnae_analyse_study, "analyse_study"),
  list(nnae_power_study, "power_study"),
  list(nnae_compare_hierarchies, "compare_hierarchies"),
  list(nnae_precision_at_k, "metrics.precision_at_k"),
  list(nnae_psp_at_k, "metrics.psp_at_k"),
  list(nnae_f1, "metrics.f1"),
  list(nnae_hamming, "metrics.hamming"),
  list(nnae_propensities, "metrics.propensities"),
  list(nnae_standard_error, "metrics.standard_error")
)
names_in_r <- c(
  Y = "y", X = "x", Y_heldout = "y_heldout", Y_train = "y_train", X_train = "x_train",
  Y_true = "y_true", Y_pred = "y_pred", topk_indices = "ranking", make_model = "model",
  classifier = "model", X_heldout = "x_heldout"
)
of_r_alone <- "sep"

test_that("arguments and defaults are those of the Python functions", {
  skip_if_no_nnae()
  inspect <- reticulate::import("inspect", convert = FALSE)
  for (pair in pairs) {
    object <- nnae_module()
    for (part in strsplit(pair[[2]], ".", fixed = TRUE)[[1]]) object <- object[[part]]
    signature <- inspect$signature(object)$parameters
    in_python <- from_strings(signature)
    here <- formals(pair[[1]])
    expected <- ifelse(in_python %in% names(names_in_r), names_in_r[in_python], in_python)
    expect_setequal(setdiff(names(here), of_r_alone), unname(expected))
    for (name in in_python) {
      default <- signature$get(name)$default
      if (identical(as.character(default), as.character(inspect$Parameter$empty))) next
      own <- here[[if (name %in% names(names_in_r)) names_in_r[[name]] else name]]
      expect_equal(eval(own), unlist(reticulate::py_to_r(default)), info = paste(pair[[2]], name))
    }
  }
})
