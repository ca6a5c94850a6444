"""Names that other tools use, and what they are here: scikit-learn's, Keras', PyTorch's, Lightning's and common ones.

None of them is a second name of a key: `hints.py` says what to type instead, and ``mlexp list keys`` shows the table.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Habit:
    """One row of the table.

    Attributes
    ----------
    names : what other tools say, in lower case with underscores
    typed : what is typed here, with {} for the value; empty where there is nothing to type
    example : a value, for where none came or it cannot be kept
    form : how the value turns into ours (`forms.FORMS`)
    kinds, models : kinds of task and models for which this row holds; empty: all
    search : this row holds where settings are searched
    note : what else there is to know
    """

    names: str
    typed: str
    example: str = ""
    form: str = "same"
    kinds: tuple[str, ...] = ()
    models: tuple[str, ...] = ()
    search: bool = False
    note: str = ""


# Names that several rows share
CROSS_VALIDATION = "n_folds cv n_splits num_folds kfold k_fold kfolds k_folds folds nfolds cross_validation"
SCORES = "metric metrics scoring score eval_metric measure monitor"
TRIALS = "n_trials num_trials trials n_calls max_evals max_trials n_candidates num_evals"
WORKERS = (
    "n_jobs jobs workers num_workers n_workers max_workers processes n_processes nproc parallel cpus num_cpus n_cpus "
    "cores n_cores"
)
FOLDS = "1/5,2/5,3/5,4/5,5/5"
OFF_THE_DATA = "mlexp reads it off the data: leave it out."

# The first row that has the name and fits the task holds.
HABITS = (
    Habit("lr eta eta0 learning_rate_init learn_rate base_lr init_lr initial_lr max_lr step_size learningrate",
          "model.learning_rate={}", "0.1"),
    Habit("n_epochs num_epochs nb_epoch nb_epochs max_epochs num_train_epochs epoch max_iter n_iter num_iter "
          "max_iters iterations n_iterations num_iterations iters iter max_steps n_steps num_steps",
          "model.epochs={}", "50"),
    Habit("n_layers num_layers depth num_hidden_layers n_hidden_layers nlayers", "model.hidden={}", "[64,64]",
          "depth"),
    Habit("hidden_layers hidden_layer layers layer", "model.hidden={}", "[64,32]", "layers"),
    Habit("hidden_layer_sizes hidden_sizes hidden_size hidden_dim hidden_dims hidden_units layer_sizes units "
          "n_hidden num_hidden neurons n_neurons n_units num_units width widths nodes dims net_arch mlp_dims "
          "layer_dims structure topology hiddens", "model.hidden={}", "[64,32]", "widths"),
    Habit("batch bs minibatch mini_batch minibatch_size mini_batch_size batchsize batch_sz train_batch_size "
          "n_batch per_device_train_batch_size", "model.batch_size={}", "32"),
    Habit("optim opt solver optimiser optimizer_type optimizer_name update_rule", "model.optimizer={}", "adam"),
    Habit("alpha", "comparison.alpha={}", "0.05", kinds=("comparison",)),
    Habit("weight_decay wd alpha l2_reg l2_penalty l2_regularization lambda lambd lam reg reg_lambda "
          "regularization regularisation regularizer weight_penalty l2_lambda ridge_penalty", "model.l2={}",
          "0.0001", note="or model.decay with model.optimizer=adamw"),
    Habit("l1_reg l1_penalty l1_regularization lasso_penalty l1_lambda", "model.l1={}", "0.0001"),
    Habit("dropout_rate drop_rate drop p dropout_prob dropout_p p_dropout drop_prob dropout_probability",
          "model.dropout={}", "0.2"),
    Habit("keep_prob", "model.dropout={}", "0.2", "complement"),
    Habit("act act_fn activation_fn act_func activation_function activations nonlinearity non_linearity "
          "hidden_activation transfer_function transfer", "model.activation={}", "relu"),
    Habit("loss loss_fn loss_function criterion objective cost cost_function", "model.loss={}", "mae",
          kinds=("regression",), models=("mlp",)),
    Habit("loss loss_fn loss_function criterion objective cost cost_function", "",
          note="The loss follows from the task: cross-entropy for classes, squared error for numbers (task=regress)."),
    Habit("initializer initialiser initialization initialisation kernel_initializer weight_init weights_init "
          "init_method weight_initialization initial_weights", "model.init={}", "he"),
    Habit("bias_initializer", "model.bias_init={}", "zeros"),
    Habit("use_bias fit_intercept with_bias", "model.bias={}", "true"),
    Habit("batchnorm bn use_batchnorm batch_normalization use_bn use_batch_norm batch_normalisation",
          "model.batch_norm={}", "true"),
    Habit("scheduler lr_scheduler lr_schedule lr_decay learning_rate_schedule scheduler_type", "model.schedule={}",
          "cosine"),
    Habit("warmup warm_up warmup_epochs warmup_steps", "model.schedule=warm_up model.schedule_options.epochs={}",
          "5"),
    Habit("t_max", "model.schedule=cosine model.schedule_options.epochs={}", "50"),
    Habit("clip grad_clip clipnorm clip_grad clip_grad_norm max_grad_norm gradient_clip_val gradient_clipping "
          "gradient_clip clip_gradients", "model.clip_norm={}", "1"),
    Habit("early_stopping earlystopping early_stop es use_early_stopping", "model.patience={}", "10", "switch"),
    Habit("n_iter_no_change early_stopping_rounds early_stopping_patience es_patience no_change",
          "model.patience={}", "10"),
    Habit("restore_best_weights load_best_model_at_end", "model.restore_best={}", "true"),
    Habit("nesterovs_momentum use_nesterov", "model.optimizer=sgd model.momentum=0.9 model.nesterov={}", "true"),
    Habit("momentum_rate mom", "model.optimizer=sgd model.momentum={}", "0.9"),
    Habit("smoothing label_smooth", "model.label_smoothing={}", "0.1"),
    Habit("class_weights balanced balance_classes", "model.class_weight={}", "balanced"),
    Habit("precision float_precision", "model.dtype={}", "float64"),
    Habit("shuffle", "", note="The rows are shuffled before they are split and in every epoch: leave it out."),
    Habit("estimator algorithm algo classifier clf regressor learner model_name model_type model_class arch "
          "architecture backbone network net method", "model={}", "random_forest"),
    Habit("dataset_name data_name data_set ds", "dataset={}", "mnist"),
    Habit("data data_path data_file file file_name filename file_path filepath csv csv_file csv_path "
          "dataset_path dataset_file input input_file input_path infile train train_file train_path train_data "
          "train_csv table source", "{}", "dataset=csv dataset.path=my.csv", "data"),
    Habit("drop_columns drop_cols ignore_columns ignore_cols exclude exclude_columns cols_to_drop id_column "
          "id_col", "dataset=csv dataset.path=my.csv dataset.ignore={}", "[id]", "list"),
    Habit("feature_columns feature_cols feature_names features columns cols usecols use_columns x_cols "
          "x_columns predictors inputs x", "dataset=csv dataset.path=my.csv dataset.features={}", "[age,height]",
          "list"),
    Habit("sep separator delim", "dataset=csv dataset.path=my.csv dataset.delimiter={}", "semicolon"),
    Habit("na_values null_values missing_values na_value", "dataset=csv dataset.path=my.csv dataset.missing={}",
          "['?']", "list"),
    Habit("test_file test_data test_csv test_set", "dataset=csv dataset.path=my.csv dataset.test_path={}",
          "test.csv"),
    Habit("target y label labels target_column target_col target_name label_column label_col label_name "
          "class_column class_label y_col y_column response outcome",
          "dataset=csv dataset.path=my.csv dataset.label={}", "species"),
    Habit("group group_column group_col", "dataset=csv dataset.path=my.csv dataset.groups={}", "patient"),
    Habit("rows n_rows nrows max_rows samples max_samples subsample num_samples max_train_samples n_train "
          "sample_size", "dataset.limit={}", "1000"),
    Habit("test_size test_split test_fraction test_ratio test_frac test_share holdout split", "split.test={}", "0.2"),
    Habit("train train_size train_split train_fraction train_ratio train_frac", "split.test={}", "0.2", "complement"),
    Habit("val_size validation_size valid_size val_split validation_split valid_split val_fraction val_frac "
          "val_ratio validation_fraction validation_ratio dev_size val valid", "split.validation={}", "0.1"),
    Habit("stratified", "split.stratify={}", "true"),
    Habit(CROSS_VALIDATION, "comparison.folds={}", "5", kinds=("comparison",)),
    Habit(CROSS_VALIDATION, "tune.folds={}", "5", search=True),
    Habit(CROSS_VALIDATION, "-m split.test={}", FOLDS, "folds",
          note="each fold a run, or comparison.folds, or tune.folds"),
    Habit("random_state random_seed manual_seed rng rng_seed seed_everything np_seed global_seed rand_seed "
          "torch_seed", "seed={}", "0"),
    Habit("n_seeds num_seeds n_runs num_runs runs", "comparison.seeds={}", "10", kinds=("comparison",)),
    Habit("n_runs n_seeds num_seeds num_runs n_repeats repetitions runs", "-m seed={}", "0,1,2", "range"),
    Habit("seeds", "-m seed={}", "0,1,2", "values"),
    Habit("n_clusters num_clusters nclusters clusters n_groups k", "clustering.k={}", "3", kinds=("clustering",)),
    Habit("n_components", "clustering.k={}", "3", kinds=("clustering",), models=("gmm",)),
    Habit("n_clusters num_clusters nclusters clusters n_groups", "task.kind=clustering model=kmeans clustering.k={}",
          "3"),
    Habit("k", "model=knn model.params.n_neighbors={}", "5"),
    Habit("n_neighbors neighbours k num_neighbors", "embedding.neighbors={}", "10", kinds=("embedding",)),
    Habit("n_neighbors neighbours num_neighbors", "clustering.neighbors={}", "10", kinds=("clustering",)),
    Habit("n_components num_components", "", kinds=("embedding",),
          note="An embedding has two dimensions. prepare.pca=10 reduces the features before it."),
    Habit("n_components n_pcs num_components pca_components pca_dim n_pca", "prepare.pca={}", "10"),
    Habit("scaler scaling normalize normalise normalization normalisation standardize standardise "
          "standardization standardisation preprocessing preprocess prepare feature_scaling", "prepare.scale={}",
          "standard", "scale"),
    Habit("onehot one_hot_encode one_hot_encoding get_dummies dummies encode categorical encoder",
          "prepare.one_hot={}", "true", "true"),
    Habit("imputer imputation fillna fill_missing impute_strategy", "prepare.impute={}", "median"),
    Habit("polynomial_features poly poly_degree polynomial_degree", "prepare.polynomial={}", "2"),
    Habit("n_classes num_classes n_features num_features in_features input_dim input_size input_shape "
          "in_channels out_features output_dim output_size n_inputs n_outputs", "", note=OFF_THE_DATA),
    Habit(SCORES, "comparison.metric={}", "test.accuracy", kinds=("comparison",)),
    Habit(SCORES, "tune.metric={}", "accuracy", search=True),
    Habit(SCORES, "tune=random tune.metric={}", "accuracy", note="every metric is recorded in any case"),
    Habit("param_grid grid search_space param_distributions params_grid hyperparameters hparams params "
          "parameters search", "tune=grid tune.space={}", "{model.learning_rate:[0.1,0.01]}", "mapping"),
    Habit(TRIALS, "tune.budget={}", "20", search=True),
    Habit(TRIALS, "tune=random tune.budget={}", "20"),
    Habit("tuner sampler search_method search_strategy tuning", "tune={}", "random"),
    Habit("problem problem_type task_type mode type", "task={}", "classify", "problem"),
    Habit("output_dir out out_dir outdir output output_path output_folder save_dir save_path log_dir logdir "
          "results results_dir result_dir checkpoint_dir ckpt_dir work_dir workdir run_dir default_root_dir dir "
          "folder save_to", "outputs={}", "outputs"),
    Habit("exp_name experiment_name run_name exp study study_name project project_name name", "task.name={}", "mine"),
    Habit("num_threads n_threads thread nthreads omp_num_threads", "threads={}", "2"),
    Habit(WORKERS, "execution.workers={}", "2", kinds=("comparison",)),
    Habit(WORKERS, "execution.workers={}", "2", search=True),
    Habit(WORKERS, "threads={}", "2", note="and execution.workers for the jobs of a sweep"),
    Habit("cuda gpu gpus use_cuda use_gpu accelerator devices n_gpus no_cuda ngpu", "device={}", "cuda",
          note="It needs an NVIDIA GPU and cupy-cuda12x or cupy-cuda13x."),
    Habit("verbose verbosity verbose_level log_level loglevel debug progress progress_bar", "",
          note="Type -v for every epoch, -q for the folder of the run alone."),
    Habit("quiet silent", "", note="Type -q."),
    Habit("resume checkpoint resume_from ckpt ckpt_path pretrained load load_model resume_from_checkpoint", "",
          note="mlexp resume RUN resumes an interrupted run."),
    Habit("save save_model save_weights", "", note="Every run keeps its model; mlexp predict RUN FILE uses it."),
    Habit("checkpoint_interval save_every checkpoint_every save_interval save_steps", "checkpoint_seconds={}", "10"),
    Habit("plot plots draw save_figures save_plots show_plots make_plots visualize", "figures={}", "true"),
    Habit("logger tracker track log_to wandb tensorboard mlflow use_tensorboard use_mlflow use_wandb report_to",
          "tracking={}", "tensorboard", "tracking"),
    Habit("config config_file config_path cfg yaml experiment", "",
          note="Type task=NAME; your own files: --config-dir DIR task=NAME."),
    Habit("max_memory memory memory_limit mem ram", "memory_mb={}", "4000"),
    Habit("dry_run dryrun dry", "", note="Type --dry-run."),
    Habit("multirun sweep", "", note="Type -m: every combination of the values given with commas runs."),
)  # fmt: skip

# Model of scikit-learn -> parameters of its estimators that people name without `model.params.`
PARAMS = {
    "random_forest": "n_estimators max_depth min_samples_split min_samples_leaf max_features max_leaf_nodes criterion "
    "ccp_alpha bootstrap oob_score max_samples min_impurity_decrease class_weight",
    "decision_tree": "max_depth min_samples_split min_samples_leaf max_features max_leaf_nodes criterion splitter "
    "ccp_alpha min_impurity_decrease class_weight",
    "hist_gradient_boosting": "learning_rate max_iter max_leaf_nodes max_depth min_samples_leaf l2_regularization "
    "max_bins max_features early_stopping n_iter_no_change validation_fraction tol class_weight loss",
    "svm": "C kernel degree gamma coef0 shrinking tol max_iter probability epsilon cache_size class_weight",
    "logistic": "C solver l1_ratio max_iter tol fit_intercept class_weight",
    "ridge": "alpha solver fit_intercept max_iter tol positive",
    "linear": "fit_intercept positive",
    "knn": "n_neighbors weights metric p leaf_size algorithm",
    "naive_bayes": "var_smoothing priors",
    "kmeans": "n_init max_iter tol init algorithm",
    "minibatch_kmeans": "n_init max_iter batch_size tol init max_no_improvement reassignment_ratio",
    "gmm": "covariance_type n_init max_iter tol reg_covar init_params",
    "dbscan": "eps min_samples metric algorithm leaf_size p",
    "agglomerative": "linkage metric distance_threshold compute_full_tree",
    "spectral": "affinity gamma assign_labels eigen_solver n_init degree",
    "tsne": "learning_rate early_exaggeration max_iter init metric angle n_iter_without_progress",
    "pca": "whiten svd_solver tol",
    "mds": "n_init max_iter eps",
    "umap": "min_dist spread n_epochs learning_rate metric",
}  # fmt: skip
SHORT = {"n_trees": "n_estimators", "num_trees": "n_estimators", "ntree": "n_estimators", "trees": "n_estimators",
         "c": "C", "num_estimators": "n_estimators", "tree_depth": "max_depth", "maxdepth": "max_depth",
         "min_samples_in_leaf": "min_samples_leaf", "mtry": "max_features"}  # fmt: skip

# Values that other tools write -> what they are here; each is looked up in the list of its key.
VALUES = {
    "logistic": "sigmoid", "identity": "linear", "none": "linear", "swish": "silu", "lrelu": "leaky_relu",
    "leakyrelu": "leaky_relu", "hardsigmoid": "hard_sigmoid", "expit": "sigmoid",
    "mean_squared_error": "mse", "squared_error": "mse", "mean_absolute_error": "mae", "absolute_error": "mae",
    "smooth_l1": "huber", "mseloss": "mse", "l1loss": "mae", "huberloss": "huber",
    "glorot": "xavier", "glorot_uniform": "xavier_uniform", "glorot_normal": "xavier_normal", "kaiming": "he",
    "kaiming_normal": "he_normal", "kaiming_uniform": "he_uniform", "kaiming_normal_": "he_normal",
    "gradient_descent": "sgd", "gd": "sgd", "momentum": "sgd", "rms_prop": "rmsprop",
    "cosine_annealing": "cosine", "cosineannealinglr": "cosine", "steplr": "step", "step_lr": "step",
    "exponentiallr": "exponential", "reducelronplateau": "on_plateau", "reduce_on_plateau": "on_plateau",
    "plateau": "on_plateau", "linear_warmup": "warm_up",
    "standardscaler": "standard", "standard_scaler": "standard", "zscore": "standard", "z_score": "standard",
    "minmaxscaler": "minmax", "min_max": "minmax", "mode": "most_frequent",
    "rf": "random_forest", "randomforestclassifier": "random_forest", "randomforestregressor": "random_forest",
    "svc": "svm", "svr": "svm", "linear_svc": "svm", "linearsvc": "svm", "logreg": "logistic",
    "logisticregression": "logistic", "logistic_regression": "logistic", "lr": "logistic",
    "linearregression": "linear", "linear_regression": "linear", "ols": "linear",
    "kneighborsclassifier": "knn", "kneighborsregressor": "knn", "k_nn": "knn", "nearest_neighbors": "knn",
    "k_neighbors": "knn", "neighbors": "knn", "decisiontreeclassifier": "decision_tree",
    "decisiontreeregressor": "decision_tree", "dt": "decision_tree", "tree": "decision_tree", "cart": "decision_tree",
    "gaussiannb": "naive_bayes", "nb": "naive_bayes", "gaussian_nb": "naive_bayes", "bayes": "naive_bayes",
    "gbm": "hist_gradient_boosting", "gbt": "hist_gradient_boosting", "xgboost": "hist_gradient_boosting",
    "xgb": "hist_gradient_boosting", "xgbclassifier": "hist_gradient_boosting",
    "xgbregressor": "hist_gradient_boosting", "lgbmclassifier": "hist_gradient_boosting",
    "lgbmregressor": "hist_gradient_boosting", "gradientboostingregressor": "hist_gradient_boosting",
    "lightgbm": "hist_gradient_boosting", "lgbm": "hist_gradient_boosting",
    "gradient_boosting": "hist_gradient_boosting", "catboost": "hist_gradient_boosting",
    "histgradientboostingclassifier": "hist_gradient_boosting",
    "histgradientboostingregressor": "hist_gradient_boosting", "gradientboostingclassifier": "hist_gradient_boosting",
    "nn": "mlp", "ann": "mlp", "dnn": "mlp", "neural_network": "mlp", "neural_net": "mlp", "perceptron": "mlp",
    "mlpclassifier": "mlp", "mlpregressor": "mlp", "ae": "autoencoder",
    "k_means": "kmeans", "gaussianmixture": "gmm", "gaussian_mixture": "gmm", "hierarchical": "agglomerative",
    "ward": "agglomerative", "agglomerativeclustering": "agglomerative", "spectralclustering": "spectral",
    "spectral_clustering": "spectral", "t_sne": "tsne", "locally_linear_embedding": "lle",
    "locallylinearembedding": "lle",
    "gridsearch": "grid", "grid_search": "grid", "gridsearchcv": "grid", "random_search": "random",
    "randomsearch": "random", "randomizedsearchcv": "random", "randomized": "random", "optuna": "bayes",
    "bayesian": "bayes", "tpe": "bayes", "hyperopt": "bayes", "bo": "bayes", "hyperband": "halving",
    "successive_halving": "halving", "asha": "halving", "sha": "halving", "off": "none", "false": "none",
    "classifier": "classification", "regressor": "regression", "cluster": "clustering",
    "fashionmnist": "fashion_mnist", "fashion": "fashion_mnist", "fmnist": "fashion_mnist", "cancer": "breast_cancer",
    "two_moons": "moons", "make_moons": "moons", "make_circles": "circles", "make_blobs": "blobs",
    "load_digits": "digits", "load_iris": "iris", "load_wine": "wine", "load_diabetes": "diabetes",
    "load_breast_cancer": "breast_cancer", "sign_language": "sign_mnist", "table": "csv", "dataframe": "csv",
    "tb": "tensorboard", "ml_flow": "mlflow", "small": "smoke", "tiny": "smoke", "quick": "smoke", "big": "full",
    "float": "float32", "double": "float64", "single": "float32", "fp32": "float32", "fp64": "float64", "32": "float32",
    "64": "float64", "t_test": "welch", "ttest": "welch", "t": "welch", "student": "welch",
}  # fmt: skip

# A first word that is not a verb -> what to type.
VERBS = {
    "mlexp": "mlexp {}",
    "train": "mlexp {}", "fit": "mlexp {}", "learn": "mlexp {}", "start": "mlexp {}", "exec": "mlexp {}",
    "launch": "mlexp {}", "execute": "mlexp {}",
    "sweep": "mlexp -m {}", "multirun": "mlexp -m {}", "grid": "mlexp -m {}", "agent": "mlexp -m {}",
    "tune": "mlexp tune=grid {}", "optimize": "mlexp tune=bayes {}", "search": "mlexp tune=random {}",
    "hpo": "mlexp tune=bayes {}", "gridsearch": "mlexp tune=grid {}",
    "test": "mlexp show RUN", "evaluate": "mlexp show RUN", "eval": "mlexp show RUN", "score": "mlexp show RUN",
    "validate": "mlexp show RUN", "metrics": "mlexp show RUN", "info": "mlexp show RUN", "status": "mlexp show RUN",
    "results": "mlexp show RUN", "view": "mlexp show RUN", "summary": "mlexp show RUN", "open": "mlexp show RUN",
    "infer": "mlexp predict RUN new.csv", "inference": "mlexp predict RUN new.csv",
    "apply": "mlexp predict RUN new.csv", "transform": "mlexp predict RUN new.csv",
    "plot": "mlexp report RUN", "figures": "mlexp report RUN", "draw": "mlexp report RUN", "page": "mlexp report RUN",
    "html": "mlexp report RUN", "visualize": "mlexp report RUN", "dashboard": "mlexp ui",
    "index": "mlexp report --all",
    "continue": "mlexp resume RUN", "restart": "mlexp resume RUN", "repeat": "mlexp rerun RUN",
    "reproduce": "mlexp rerun RUN", "replay": "mlexp rerun RUN", "again": "mlexp rerun RUN",
    "verify": "mlexp data verify NAME", "fetch": "mlexp data fetch NAME", "download": "mlexp data fetch NAME",
    "ls": "mlexp list runs", "history": "mlexp list runs", "runs": "mlexp list runs", "log": "mlexp list runs",
    "ps": "mlexp list runs", "tasks": "mlexp list tasks", "studies": "mlexp list tasks",
    "datasets": "mlexp list datasets", "models": "mlexp list models", "keys": "mlexp list keys",
    "options": "mlexp list keys", "config": "mlexp --cfg job {}", "cfg": "mlexp --cfg job {}",
    "settings": "mlexp list keys", "params": "mlexp list keys", "parameters": "mlexp list keys",
    "delete": "mlexp clean", "remove": "mlexp clean", "rm": "mlexp clean", "prune": "mlexp clean", "gc": "mlexp clean",
    "check": "mlexp doctor", "diagnose": "mlexp doctor", "env": "mlexp doctor",
    "save": "mlexp export RUN --onnx FILE", "onnx": "mlexp export RUN --onnx FILE",
    "convert": "mlexp export RUN --onnx FILE", "deploy": "mlexp export RUN --onnx FILE",
    "help": "mlexp --help", "version": "mlexp --version", "usage": "mlexp --help", "examples": "mlexp --help",
    "diff": "mlexp compare RUN RUN", "versus": "mlexp compare RUN RUN", "vs": "mlexp compare RUN RUN",
    "stats": "mlexp compare RUN RUN", "dry-run": "mlexp --dry-run {}", "new": "mlexp init {}",
    "create": "mlexp init {}", "scaffold": "mlexp init {}",
}  # fmt: skip
