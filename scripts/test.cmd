@rem Run the tests; sets everything up on first use. --all: the slow ones too; else arguments of pytest.
@setlocal
@where py >nul 2>nul && set "python=py -3" || set "python=python"
@%python% "%~dp0launch.py" test %*
