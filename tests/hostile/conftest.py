from tests.report.conftest import make_whole as make_whole
