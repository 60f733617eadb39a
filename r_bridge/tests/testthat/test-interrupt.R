# A process of its own, since an interrupt here would end the tests.
interrupt_a_fit <- function() {
  folder <- tempfile("interrupt")
  dir.create(folder)
  script <- file.path(folder, "fit.R")
  told <- file.path(folder, "told")
  writeLines(c(
    sprintf(".libPaths(%s)", paste(deparse(.libPaths()), collapse = "")),
    "library(nnae)",
    "y <- nnae_dataset('label_hierarchy', n_samples = 2000, random_state = 0)$y",
    "seen <- function(sweep, objective) if (sweep == 5) cat('5\\n', file = Sys.getenv('TOLD'))",
    "outcome <- tryCatch({",
    "  nnae_nmf(y, 20, max_iter = 1e6, tol = 0, random_state = 0, callback = seen)",
    "  'went on'",
    "}, interrupt = function(e) 'stopped', error = function(e) conditionMessage(e))",
    "still <- nnae_nmf(y, 2, max_iter = 2, tol = 0, random_state = 0)$n_iter",
    "cat(outcome, still, sep = '\\n', file = Sys.getenv('TOLD'))"
  ), script)
  subprocess <- reticulate::import("subprocess", convert = FALSE)
  environment <- reticulate::import("os", convert = FALSE)$environ$copy()
  environment$update(reticulate::dict(TOLD = told))
  run <- subprocess$Popen(list(file.path(R.home("bin"), "Rscript"), script), env = environment)
  on.exit(run$kill())
  for (wait in 1:600) {
    if (file.exists(told)) break
    Sys.sleep(0.1)
  }
  run$send_signal(2L)
  started <- proc.time()[["elapsed"]]
  call_python(run$wait(timeout = 60L))
  list(seconds = proc.time()[["elapsed"]] - started, told = readLines(told, warn = FALSE))
}

test_that("Ctrl-C stops a fit at once, and R goes on", {
  skip_if_no_nnae()
  skip_on_os("windows")
  skip_on_cran()
  found <- interrupt_a_fit()
  expect_true(found$told[1] %in% c("stopped", "the computation was interrupted"))
  expect_identical(found$told[2], "2")
  expect_lt(found$seconds, 20) # about 1 s on an idle machine
})
