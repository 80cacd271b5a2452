/** Texts of new files. */
export interface Template {
  name: string;
  title: string;
  text: (name: string) => string;
}

export const TEMPLATES: readonly Template[] = [
  {
    name: "2d",
    title: "A small 2D network",
    text: (name) => `{
  "name": ${JSON.stringify(name)},
  "description": "",
  "input_shape": [64, 64],
  "layers": [
    {"type": "C", "num_output": 16, "kernel_size": [3, 3], "activation": "relu"},
    {"type": "P", "pool": "max", "kernel_size": [2, 2], "stride": [2, 2]},
    {"type": "C", "num_output": 32, "kernel_size": [3, 3], "activation": "relu"},
    {"type": "GAP"},
    {"type": "T", "activation": "softmax"}
  ]
}
`,
  },
  {
    name: "3d",
    title: "A small 3D network",
    text: (name) => `{
  "name": ${JSON.stringify(name)},
  "description": "",
  "input_shape": [64, 64, 10],
  "layers": [
    {"type": "C", "num_output": 16, "kernel_size": [3, 3, 3], "activation": "relu"},
    {"type": "P", "pool": "max", "kernel_size": [2, 2, 2], "stride": [2, 2, 2]},
    {"type": "C", "num_output": 32, "kernel_size": [3, 3, 3], "activation": "relu"},
    {"type": "GAP"},
    {"type": "T", "activation": "softmax"}
  ]
}
`,
  },
  {
    name: "experiment",
    title: "An experiment",
    text: (name) => `{
  "name": ${JSON.stringify(name)},
  "archs": ["res3d"],
  "data": {"name": "phantom"},
  "training": {"epochs": 30}
}
`,
  },
  {
    name: "sweep",
    title: "A sweep",
    text: (name) => `{
  "name": ${JSON.stringify(name)},
  "base": {"archs": ["arch3dsm"], "data": {"name": "phantom"}},
  "space": {
    "arch.layers[0].num_output": [8, 16, 32],
    "training.learning_rate": {"type": "log_uniform", "low": 0.0001, "high": 0.01}
  },
  "search": "random",
  "trials": 20
}
`,
  },
];
