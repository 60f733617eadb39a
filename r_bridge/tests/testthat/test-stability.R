test_that("the same fits as in Python are compared", {
  skip_if_no_nnae()
  y <- planted_labels()
  model <- nnae_autoencoder(y, c(12, 3), random_state = 0, max_iter = 3, tol = 0, n_threads = 1)
  report <- nnae_stability(model, n_seeds = 3, n_bootstraps = 2, random_state = 0)
  numbers <- reticulate::py_run_string(paste(
    "def make(seed):",
    "    import nnae",
    "    return nnae.NNAE((12, 3), max_iter=3, tol=0, n_threads=1, random_state=seed)",
    sep = "\n"
  ), local = TRUE, convert = FALSE)
  twin <- nnae_module()$stability(
    numbers$make, to_python_labels(y), n_seeds = 3L, n_bootstraps = 2L, random_state = 0L
  )
  expect_identical(report$frame, from_pandas(twin$frame))
  expect_identical(report$edges, from_pandas(twin$edges))
  expect_identical(report$consensus_edges, from_pandas(twin$consensus_edges))
  expect_s3_class(report$consensus, "nnae_hierarchy")
  expect_identical(names(report$trees), c("seeds.1", "seeds.2", "bootstraps.1", "bootstraps.2"))
  by_function <- nnae_stability(
    function(seed) {
      nnae_module()$NNAE(
        reticulate::tuple(12L, 3L),
        max_iter = 3L, tol = 0, n_threads = 1L, random_state = seed
      )
    },
    y,
    n_seeds = 3, n_bootstraps = 2, random_state = 0
  )
  expect_identical(by_function$frame, report$frame)
  expect_identical(
    nnae_stability(model, n_seeds = 3, n_bootstraps = 2, random_state = 0, n_jobs = 2)$frame,
    report$frame
  )
})

test_that("methods of stability reports", {
  skip_if_no_nnae()
  model <- nnae_nmf(planted_labels(), 6, random_state = 0)
  report <- nnae_stability(model, n_seeds = 2, n_bootstraps = 2, random_state = 0)
  expect_output(print(report), "72 labels over 2 fits with other seeds and 2 on other rows")
  expect_identical(tidy(report), report$frame)
  expect_identical(glance(report)$seeds_ari, report$frame$mean[1])
  expect_true(summary(report)$recurring_in_seeds <= 1)
  expect_equal(summary(report, share = 0)$recurring_in_seeds, 1)
  tree <- as.hclust(report)
  expect_setequal(tree$labels, report$labels)
  expect_false(is.unsorted(tree$height))
  expect_error(as.hclust(report, level = 2), "^there is no consensus tree of these")
  pdf <- tempfile(fileext = ".pdf")
  grDevices::pdf(pdf)
  expect_invisible(plot(report))
  grDevices::dev.off()
  expect_gt(file.size(pdf), 3500)
  expect_error(nnae_stability(3), "^`model` must be a fitted compressor or a function of a seed")
  expect_error(nnae_stability(model, n_seeds = 1), "^n_seeds must be")
})
