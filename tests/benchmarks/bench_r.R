# What crossing costs: a sparse matrix there and back, and a two-step fit from R beside the fit that
# Python does inside. Prints one object of JSON. Arguments: what, number of repetitions, profile,
# threads.

options(warn = 2)
suppressPackageStartupMessages(library(nnae))
arguments <- commandArgs(TRUE)
repetitions <- as.integer(arguments[2])

cost_of <- function(expression) {
  used <- system.time(expression, gcFirst = TRUE)
  c(cpu = used[["user.self"]] + used[["sys.self"]], seconds = used[["elapsed"]])
}

# Largest resident memory of this process so far, in MB.
peak_mb <- function() {
  line <- grep("^VmHWM", readLines("/proc/self/status"), value = TRUE)
  as.numeric(gsub("[^0-9]", "", line)) / 1024
}

there_and_back <- function(rows = 50000, columns = 20000, count = 1e6) {
  set.seed(0)
  cells <- sample(as.double(rows) * columns, count)
  x <- Matrix::sparseMatrix(
    i = (cells - 1) %% rows + 1, j = (cells - 1) %/% rows + 1, x = runif(count),
    dims = c(rows, columns),
    dimnames = list(paste0("row", seq_len(rows)), paste0("column", seq_len(columns)))
  )
  rm(cells)
  trip <- function(x) nnae:::from_scipy(nnae:::to_scipy(x), dimnames(x))
  trip(x[1:2, ]) # imports
  before <- peak_mb()
  costs <- lapply(seq_len(repetitions), function(i) cost_of(back <<- trip(x)))
  list(
    identical = identical(back, x), count = length(x@x), cpu = vapply(costs, `[[`, 0, "cpu"),
    seconds = vapply(costs, `[[`, 0, "seconds"), before_mb = before, peak_mb = peak_mb()
  )
}

# The fit that Python does inside is timed by Python, so that both numbers are of the same seconds
# of the machine: two fits after each other differ by more than R costs.
timed_fit <- "
def time_fits(costs):
    import time
    from nnae import TwoStepClassifier
    fit = TwoStepClassifier.fit

    def timed(*given, **named):
        cpu, seconds = time.process_time(), time.perf_counter()
        found = fit(*given, **named)
        costs[:] = [time.process_time() - cpu, time.perf_counter() - seconds]
        return found
    TwoStepClassifier.fit = timed
    return costs
"

two_step <- function(profile, threads) {
  tags <- nnae_dataset("debian_tags")
  fit <- function() {
    nnae_two_step(
      tags$x_train, tags$y_train,
      profile = profile, random_state = 0, n_threads = threads
    )
  }
  inside <- reticulate::py_run_string(timed_fit, local = TRUE, convert = FALSE)$time_fits(list())
  fit() # imports, and memory that is used again
  costs <- vapply(seq_len(repetitions), function(i) {
    all <- cost_of(fit())
    python <- unlist(reticulate::py_to_r(inside))
    c(r_cpu = all[["cpu"]], python_cpu = python[1],
      r_seconds = all[["seconds"]], python_seconds = python[2])
  }, numeric(4))
  split(costs, rownames(costs))
}

result <- switch(arguments[1],
  matrix = there_and_back(),
  two_step = two_step(arguments[3], as.integer(arguments[4]))
)
cat(jsonlite::toJSON(result, digits = NA), "\n")
