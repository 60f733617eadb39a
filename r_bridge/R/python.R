#' Tell whether Python and its package nnae can be used
#'
#' Starts Python if it does not run yet. reticulate looks for it in `RETICULATE_PYTHON`, then in
#' the environment that [install_nnae()] makes.
#'
#' @param quietly FALSE says in a message what is missing and what to run.
#' @return TRUE or FALSE.
#' @examples
#' nnae_available()
#' @export
nnae_available <- function(quietly = TRUE) {
  problem <- nnae_problem()
  if (!quietly && !is.null(problem)) message(problem)
  is.null(problem)
}

# One line that says what is missing and what to run, or NULL.
nnae_problem <- function() {
  if (isTRUE(python$works)) {
    return(NULL)
  }
  started <- tryCatch(reticulate::py_available(initialize = TRUE), error = function(e) FALSE)
  if (!isTRUE(started)) {
    return("no Python was found: run install_nnae() and restart R")
  }
  where <- reticulate::py_config()$python
  if (!isTRUE(tryCatch(reticulate::py_numpy_available(), error = function(e) FALSE))) {
    return(sprintf(
      "reticulate %s cannot use the numpy of %s: run install_nnae() and restart R",
      utils::packageVersion("reticulate"), where
    ))
  }
  if (!reticulate::py_module_available("nnae")) {
    return(sprintf("%s has no module nnae: run install_nnae() and restart R", where))
  }
  python$works <- TRUE
  NULL
}

nnae_module <- function() {
  problem <- nnae_problem()
  if (!is.null(problem)) stop(problem, call. = FALSE)
  register_learners()
  python$nnae
}

#' Install the Python package nnae
#'
#' Makes a virtual environment named `r-nnae` (where it does not exist) and installs the package
#' into it, with versions of its requirements that the installed reticulate can use. Restart R
#' afterwards.
#'
#' @param source What pip installs: a name, the path of a checkout or wheel, or an address. Default:
#'   the option `nnae.source`, else `"nnae"`.
#' @param envname Name of the virtual environment.
#' @param python Python to make it from, one built with a shared library; NULL lets reticulate
#'   choose.
#' @return The name of the environment, invisibly.
#' @examples
#' if (interactive()) {
#'   install_nnae()
#' }
#' @export
install_nnae <- function(source = getOption("nnae.source", "nnae"), envname = "r-nnae",
                         python = NULL) {
  check_text(source, "source")
  check_text(envname, "envname")
  if (!reticulate::virtualenv_exists(envname)) {
    reticulate::virtualenv_create(envname, python = python, packages = NULL)
  }
  old <- utils::packageVersion("reticulate") < "1.41"
  packages <- c(if (old) c("numpy<2", "pandas<3"), source)
  reticulate::virtualenv_install(envname, packages = packages, ignore_installed = FALSE)
  message("installed into ", envname, ": restart R")
  invisible(envname)
}

# Evaluate a call of Python: its errors become one line of R, its warnings R's warnings.
call_python <- function(expr) {
  warnings <- reticulate::import("warnings", convert = FALSE)
  builtins <- reticulate::import_builtins(convert = FALSE)
  recorder <- warnings$catch_warnings(record = TRUE)
  caught <- recorder$`__enter__`()
  leave <- function() recorder$`__exit__`(NULL, NULL, NULL)
  warnings$simplefilter("always", builtins$UserWarning)
  value <- tryCatch(
    force(expr),
    error = function(e) stop(python_message(conditionMessage(e)), call. = FALSE),
    finally = leave()
  )
  for (entry in reticulate::iterate(caught)) {
    warning(as.character(reticulate::py_str(entry$message)), call. = FALSE)
  }
  value
}

python_message <- function(text) {
  text <- sub("\n+(Detailed traceback|Traceback|Run `reticulate::py_last_error).*$", "", text)
  text <- sub("^([A-Za-z_]+[.])*[A-Za-z_]+(Error|Exception|Interrupt): ?", "", trimws(text))
  if (nzchar(text)) text else "the computation was interrupted"
}
