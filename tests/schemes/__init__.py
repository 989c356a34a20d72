"""What each provider signs, told by somebody else than us."""

import pytest

pytest.register_assert_rewrite(f"{__name__}.answers", f"{__name__}.coded")
