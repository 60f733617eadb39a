# A Python object is dead after readRDS() and in another process: every model keeps the bytes that
# nnae.persist.dump writes, and comes back from them when it is needed. They are not packed, since
# that would cost a large part of a fast fit; saveRDS() packs what it writes.

new_handle <- function(object) {
  path <- tempfile(fileext = ".bytes") # reticulate's way from bytes to raw takes twice as long
  on.exit(unlink(path))
  file <- reticulate::import_builtins(convert = FALSE)$open(path, "wb")
  tryCatch(call_python(persistence()$dump(object, file)), finally = file$close())
  live <- new.env(parent = emptyenv())
  live$object <- object
  list(bytes = readBin(path, "raw", file.size(path)), live = live)
}

persistence <- function() {
  nnae_module()
  reticulate::import("nnae.persist", convert = FALSE)
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
    block <- reticulate::r_to_py(x$handle$bytes)
    live$object <- call_python(persistence()$loads(block, list("nnae.r")))
  }
  live$object
}
