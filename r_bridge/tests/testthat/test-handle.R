test_that("a model lives on after saveRDS and readRDS", {
  skip_if_no_nnae()
  y <- planted_labels()
  model <- nnae_autoencoder(y, c(12, 3), random_state = 0, max_iter = 5, tol = 0)
  file <- tempfile(fileext = ".rds")
  saveRDS(model, file)
  again <- readRDS(file)
  unlink(file)
  expect_output(print(again), "72 labels")
  expect_identical(predict(again, y[1:9, ], level = 2), predict(model, y[1:9, ], level = 2))
  expect_identical(coef(again), coef(model))
  expect_identical(fitted(again), fitted(model))
  expect_equal(nnae_hierarchy(again)$newick, nnae_hierarchy(model)$newick)
})

test_that("a model works in a worker process", {
  skip_if_no_nnae()
  skip_on_cran()
  y <- planted_labels()
  model <- nnae_nmf(y, 4, random_state = 0, max_iter = 5, tol = 0)
  workers <- parallel::makePSOCKcluster(1)
  on.exit(parallel::stopCluster(workers))
  parallel::clusterCall(workers, .libPaths, .libPaths())
  there <- parallel::clusterCall(workers, function(model, y) {
    loadNamespace("nnae")
    stats::predict(model, y)
  }, model, y[1:5, ])[[1]]
  expect_identical(there, predict(model, y[1:5, ]))
})

test_that("a forked child fits and does not hang", {
  skip_if_no_nnae()
  skip_on_os("windows")
  y <- planted_labels()
  here <- nnae_nmf(y, 4, random_state = 0, max_iter = 5, tol = 0, n_threads = 2)
  job <- parallel::mcparallel(
    nnae_nmf(y, 4, random_state = 0, max_iter = 5, tol = 0)$loss_curve
  )
  there <- parallel::mccollect(job, wait = FALSE, timeout = 60)
  if (is.null(there)) tools::pskill(job$pid, tools::SIGKILL)
  expect_identical(there[[1]], here$loss_curve)
})
