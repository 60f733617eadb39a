# The Python module, imported when it is first used: the package loads without Python.
python <- new.env(parent = emptyenv())

.onLoad <- function(libname, pkgname) {
  python$nnae <- reticulate::import(
    "nnae",
    convert = FALSE, delay_load = list(environment = "r-nnae")
  )
}
