#' Save models to files that Python reads, and load such files
#'
#' The files are those of Python's `nnae.save` and `nnae.load`: checksums, no pickle. For work in R
#' alone `saveRDS()` keeps more: training rows, and how data frames become features.
#'
#' @param model A model or hierarchy of this package.
#' @param path File to write or read.
#' @param compact TRUE writes a file to predict with, several times smaller: numbers are rounded to
#'   half precision, and the codes of the training rows are left out.
#' @param trusted TRUE lets a file bring models of R, such as those of [nnae_learner()]; their
#'   predictions run code that the file holds, so only say it of files whose maker you know.
#' @return `nnae_load`: the model. It has no training rows, so `fitted`, `residuals` and
#'   `predict` without new data may not be had; features are given as a matrix. `nnae_save`: the
#'   path, invisibly.
#' @examples
#' if (nnae_available()) {
#'   dishes <- list(c("egg", "flour"), c("egg", "flour"), "leek", c("leek", "potato"))
#'   model <- nnae_nmf(dishes, n_components = 2, random_state = 0)
#'   path <- nnae_save(model, tempfile(fileext = ".nnae"))
#'   nnae_load(path)
#' }
#' @export
nnae_save <- function(model, path, compact = FALSE) {
  if (!inherits(model, "nnae_model")) {
    refuse("`model` must be a model of nnae; got %s", class(model)[1])
  }
  path <- path.expand(check_text(path, "path"))
  compact <- check_logical(compact, "compact")
  call_python(nnae_module()$save(nnae_python(model), path, compact = compact))
  invisible(path)
}

#' @rdname nnae_save
#' @export
nnae_load <- function(path, trusted = FALSE) {
  path <- path.expand(check_text(path, "path"))
  if (!file.exists(path)) refuse("`path` must be a file; there is no %s", path)
  trusted <- if (check_logical(trusted, "trusted")) list("nnae.r")
  object <- tryCatch(
    call_python(nnae_module()$load(path, trusted)),
    error = function(e) {
      hint <- "load(path, trusted=['nnae.r'])"
      stop(sub(hint, "trusted = TRUE", conditionMessage(e), fixed = TRUE), call. = FALSE)
    }
  )
  call <- match.call()
  class_name <- as.character(reticulate::py_to_r(object$`__class__`$`__name__`))
  switch(class_name,
    NMF = ,
    NNAE = new_compressor(object, NULL, call),
    LabelHierarchy = new_hierarchy(object, call),
    TwoStepClassifier = two_step_call(loaded_two_step(object), call),
    refuse("%s holds a %s, which this package has no methods for", path, class_name)
  )
}

loaded_two_step <- function(object) {
  names <- if (reticulate::py_has_attr(object, "feature_names_in_")) {
    from_strings(object$feature_names_in_)
  }
  columns <- as.integer(reticulate::py_to_r(object$n_features_in_))
  encoding <- list(kind = "matrix", names = names, columns = columns)
  new_two_step(object, encoding, NULL, NULL, NA_real_, FALSE)
}
