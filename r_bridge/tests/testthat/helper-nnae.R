skip_if_no_nnae <- function() {
  skip_if_not(nnae_available(), "Python with nnae is not available")
}

planted_labels <- function() {
  nnae_dataset("label_hierarchy", n_samples = 200, random_state = 0)$y
}
