# The file that Python's tests read too: NNAE_GOLDEN, or where a checkout has it.
golden_file <- function() {
  folder <- Sys.getenv("NNAE_GOLDEN", testthat::test_path("..", "..", "..", "tests", "golden"))
  file.path(folder, "results.json")
}

test_that("results are those of the golden file that Python reads too", {
  skip_if_no_nnae()
  skip_if_not_installed("jsonlite")
  skip_if_not(file.exists(golden_file()), "the golden file is not here")
  golden <- jsonlite::fromJSON(golden_file())
  expected <- golden$results
  close_to <- function(found, wanted) {
    expect_equal(found, wanted, tolerance = golden$tolerance, ignore_attr = TRUE)
  }
  names <- golden$data$labels
  y <- t(vapply(golden$data$rows, function(row) as.numeric(names %in% row), numeric(length(names))))
  colnames(y) <- names
  x <- golden$data$features
  nmf <- do.call(nnae_nmf, c(list(y), golden$settings$nmf))
  close_to(coef(nmf), expected$nmf$components)
  close_to(nmf$loss, expected$nmf$loss)
  deep <- do.call(nnae_autoencoder, c(list(y), golden$settings$nnae))
  close_to(coef(deep), expected$nnae$weights_1)
  close_to(coef(deep, 2, what = "weights"), expected$nnae$weights_2)
  close_to(predict(deep, y, level = 2)[1:10, ], expected$nnae$codes_2)
  tree <- nnae_hierarchy(deep)
  clusters <- expected$hierarchy$clusters_2
  expect_identical(unname(tree$clusters[, 2]), ifelse(clusters < 0, NA, clusters + 1L))
  close_to(tree$linkage, expected$hierarchy$linkage)
  step_one <- do.call(nnae_nmf, c(list(y[1:80, ]), golden$settings$nmf))
  model <- do.call(
    nnae_two_step, c(list(x[1:80, ], y[1:80, ], step_one), golden$settings$two_step)
  )
  best <- predict(model, x[81:120, ], k = 3)
  expect_identical(best$label, as.vector(t(expected$two_step$labels)))
  close_to(best$score, as.vector(t(expected$two_step$scores)))
  close_to(nnae_precision_at_k(y[81:120, ], best, 1), expected$two_step$precision_at_1)
  close_to(nnae_ndcg_at_k(y[81:120, ], best, 3), expected$two_step$ndcg_at_3)
  found <- do.call(nnae_dependencies, c(list(y), golden$settings$dependencies))
  expect_identical(found$label_a, expected$dependencies$label_a)
  close_to(found$odds_ratio, expected$dependencies$odds_ratio)
  close_to(found$q_value, expected$dependencies$q_value)
})
