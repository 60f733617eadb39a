# A Python object is dead after readRDS() and in another process: every model keeps the bytes that
# nnae.save writes, and comes back from them when it is needed.

new_handle <- function(object) {
  path <- tempfile(fileext = ".nnae")
  on.exit(unlink(path))
  call_python(nnae_module()$save(object, path))
  live <- new.env(parent = emptyenv())
  live$object <- object
  list(bytes = readBin(path, "raw", file.size(path)), live = live)
}

#' The Python object behind a model
#'
#' Restores it where it was lost, as after `readRDS()` or in a worker process.
#'
#' @param x A model of this package.
#' @return A Python object for reticulate, unconverted.
#' @examples
#' if (nnae_available()) {
#'   model <- nnae_nmf(list(c("egg", "leek"), "egg", "leek"), n_components = 2)
#'   nnae_python(model)
#' }
#' @export
nnae_python <- function(x) {
  if (!inherits(x, "nnae_model")) refuse("`x` must be a model of nnae; got %s", class(x)[1])
  live <- x$handle$live
  if (is.null(live$object) || reticulate::py_is_null_xptr(live$object)) {
    module <- nnae_module()
    path <- tempfile(fileext = ".nnae")
    on.exit(unlink(path))
    writeBin(x$handle$bytes, path)
    live$object <- call_python(module$load(path, list("nnae.r")))
  }
  live$object
}
