"""How a fitted two-step classifier goes on learning from new rows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sklearn.utils.validation import check_is_fitted

from nnae._codes import CodeScale, encode
from nnae.decoders import LinearDecoder, ResidualDecoder


class MoreRows:
    """The method of :class:`nnae.TwoStepClassifier` that adds rows to step two."""

    compressor_: Any
    estimator_: Any
    decoder_: Any
    scale_: CodeScale
    _check_rows: Callable[..., Any]

    def partial_refit(self, X: Any, Y: Any) -> Any:
        """Let step two learn from more rows; the concepts stay as they are.

        Step two must be able to go on: ``estimator=MultiOutputRidge(keep_products=True)``, which
        gives what it would have given on all rows together, or any estimator with ``partial_fit``
        for several outputs. Decoders that hold training rows would miss the new ones: it takes
        ``decoder="linear"``. Thresholds, probabilities and propensities stay as well.

        Parameters
        ----------
        X : sparse matrix, array or DataFrame of shape (n, d)
            Features of new rows.
        Y : sparse matrix, array, DataFrame, or list of label sets
            Their labels, of those of the first fit.

        Returns
        -------
        TwoStepClassifier
            Itself.

        Raises
        ------
        ValueError
            An estimator or a decoder that cannot go on; rows that differ in number.

        Examples
        --------
        >>> import nnae
        >>> from nnae.ridge import MultiOutputRidge
        >>> data = nnae.datasets.make_label_hierarchy(300, random_state=0)
        >>> X, Y = data.Y.toarray()[:, ::2], data.Y[:, 1::2]
        >>> ridge = MultiOutputRidge(keep_products=True)
        >>> model = nnae.TwoStepClassifier(None, ridge, decoder="linear", profile="fast")
        >>> model = model.fit(X[:200], Y[:200]).partial_refit(X[200:], Y[200:])
        >>> model.estimator_.products_.n_rows
        300
        """
        check_is_fitted(self, "decoder_")
        if not isinstance(self.decoder_, LinearDecoder):
            name = type(self.decoder_).__name__
            why = "classifiers" if isinstance(self.decoder_, ResidualDecoder) else "rows"
            raise ValueError(
                f"partial_refit needs decoder='linear'; {name} has {why} of the first fit: "
                "refit_estimator learns it anew"
            )
        try:
            go_on = self.estimator_.partial_fit
        except AttributeError as missing:
            raise ValueError(
                "partial_refit needs an estimator with partial_fit; got "
                f"{type(self.estimator_).__name__}: {missing.__cause__ or missing}"
            ) from None
        X, labels, _ = self._check_rows(X, Y, None, reset=False)
        codes = self.scale_.join(encode(self.compressor_, labels, X), X.dtype)
        go_on(X, codes)
        return self
