"""What every public name of Python is called in R; `test_r_parity.py` holds both sides to it.

A public name `name` of nnae, nnae.metrics or nnae.io is exported from R as `nnae_<name>` or is
listed here, once. A name that is added to Python without its R function goes into `NO_COUNTERPART`
with the reason, "yet to come" being one.
"""

#: Python's name -> the function of R that does the same.
OTHER_NAMES = {
    "AuditReport": "nnae_audit",  # an object of class nnae_audit
    "Explanation": "nnae_explain",
    "RankReport": "nnae_choose_rank",  # an object of class nnae_choose_rank
    "SimulationReport": "nnae_simulate_reader",
    "StudyReport": "nnae_analyse_study",
    "LabelHierarchy": "nnae_hierarchy",
    "NMF": "nnae_nmf",
    "NNAE": "nnae_autoencoder",
    "StabilityReport": "nnae_stability",  # an object of class nnae_stability
    "TwoStepClassifier": "nnae_two_step",
    "label_dependencies": "nnae_dependencies",
    "show_versions": "nnae_versions",
    "datasets": "nnae_dataset",
    "images": "nnae_image_features",  # and nnae_region_explanation
    "io": "nnae_read",
    "metrics": "nnae_precision_at_k",
    "io.LabelData": "nnae_read",  # a list with x and y
    "io.RowBlocks": "nnae_row_blocks",  # an object of class nnae_row_blocks
    **{
        f"io.read_{name}": "nnae_read"  # with format =
        for name in ("arff", "coco", "npz", "svmlight", "text_table", "transactions", "xmc")
    },
    **{f"io.write_{name}": "nnae_write" for name in ("svmlight", "transactions", "xmc")},
}

#: Python's name -> why R has nothing for it.
NO_COUNTERPART = {
    "model_selection": "folds for scikit-learn's model selection",
    "metrics.TopKScorer": "an object for scikit-learn's model selection",
    "metrics.ndcg_at_k_scorer": "makes a TopKScorer",
    "metrics.precision_at_k_scorer": "makes a TopKScorer",
    "Checkpoint": "checkpoint = 'fit.part' of the functions that fit; Python's own passes too",
    "io.atomic_write": "a context manager of Python",
    "io.read_mulan_labels": "nnae_read(format = 'arff') reads the file of labels itself",
    **{
        f"io.iter_{name}": "a generator of Python: R reads whole files"
        for name in ("arff", "read", "svmlight", "text_table", "transactions", "xmc")
    },
}
