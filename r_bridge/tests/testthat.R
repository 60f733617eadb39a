library(testthat)
library(nnae)

test_check("nnae")
