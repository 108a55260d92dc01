import type { CliErrorCode } from '@afield/cli'
import { REPOSITORY_PAGES } from './repository-pages.js'
import type { ErrorPage } from './error-page.js'

/** A page for every code of the command line. The compiler misses any that is not here. */
export const CLI_PAGES: Readonly<Record<CliErrorCode, ErrorPage>> = {
  ...REPOSITORY_PAGES,
  'bundle/nothing-to-ship': {
    happened: 'A seed of this version would be refused by devices, so none was written.',
    why: ['The model is killed, or the version is revoked or below the oldest that may run.'],
    fix: ['Name another version: `afield bundle NAME --version 1.2.0 --out DIR`.'],
  },
  'config/incomplete': {
    happened: 'The launch checklist in `afield.config.json` has gaps. The message lists all of them.',
    why: ['A version is published only when somebody owns it and knows how to take it back.'],
    fix: ['Write the items that the message names, then publish again.'],
  },
  'config/invalid': {
    happened: '`afield.config.json` says something that it cannot say.',
    why: [
      'A field is misspelt or of another type; the message gives its place.',
      'Nothing names the framework.',
    ],
    fix: [
      'Correct the place that the message names.',
      'Compare with `examples/export/scikit-learn/afield.config.json`.',
    ],
  },
  'contract/mismatch': {
    happened: 'The contract and the graph do not speak of the same tensors.',
    why: ['A name is misspelt.', 'The columns or the type differ.'],
    fix: ['Compare with the inputs and outputs of the graph, which the message lists.'],
  },
  'contract/unclear': {
    happened: '`afield dev` cannot tell from the graph alone what the model takes.',
    why: [
      'The graph leaves the number of columns open, or the size of a picture.',
      'It names or counts things in a way that no contract does.',
    ],
    fix: [
      'Add a CSV with its columns: `afield dev MODEL.onnx rows.csv`.',
      'Write the contract into `afield.config.json`.',
    ],
  },
  'csv/invalid': {
    happened: 'The CSV cannot be read as a table with a header.',
    why: [
      'It has no rows, a column without a name, or the same name twice.',
      'A column has no value in the first rows, from which types are read.',
      'It is not in UTF-8.',
    ],
    fix: [
      'Write one name a column into the first line, and rows below it. Commas, semicolons or tabs may part them.',
      'In a spreadsheet, save it as "CSV UTF-8".',
    ],
  },
  'csv/mismatch': {
    happened: 'The columns of the CSV are not what the model takes.',
    why: [
      'A column is missing, or is what the model predicts rather than what it takes.',
      'A column has texts or fractions where the graph takes whole numbers.',
      'The graph takes exactly one row a run, or a picture, a sound or a text rather than rows.',
    ],
    fix: [
      'Name the column that is predicted: `afield dev MODEL.onnx rows.csv --target COLUMN`.',
      'Correct the header, or delete the contract in the config to have it inferred anew.',
      'Export with an open first dimension: `dynamic_axes` or `dynamic_shapes` in PyTorch.',
    ],
  },
  'disk/denied': {
    happened: 'A file or folder may not be read or written by this user.',
    why: ['It belongs to somebody else, or the disk is read-only.'],
    fix: ['See who owns the folder that the message names.'],
  },
  'disk/full': {
    happened: 'The disk has no room. What was there before is still valid.',
    why: ['No space is left, or a quota is used up.'],
    fix: ['Make room and run the command again.'],
  },
  'disk/path': {
    happened: 'A file lies where a folder is needed, or the other way round.',
    why: ['The path names something that is there already.'],
    fix: ['Name another path.'],
  },
  'external-data/invalid': {
    happened: 'The weights that the graph keeps in files of their own are not there or not whole.',
    why: ['Only the `.onnx` file was copied.', 'A file was renamed: the graph refers to it by name.'],
    fix: ['Put the files beside the model, under the names that the message gives.'],
  },
  'file/missing': {
    happened: 'A file that the command needs is not there.',
    why: ['The path is wrong.', 'Training did not write golden vectors or metrics.'],
    fix: ['Check the path.', 'Name the file with the option that the message gives, such as `--golden`.'],
  },
  'file/unreadable': {
    happened: 'A file is there and cannot be read.',
    why: ['It is a folder, or belongs to somebody else.'],
    fix: ['Check what lies at the path that the message names.'],
  },
  'golden/invalid': {
    happened: 'The golden vectors do not fit the contract.',
    why: ['An input lacks a field or has a value outside its range.', 'An output is none of the contract.'],
    fix: [
      'Let the training code write them itself, as in the guides.',
      'Correct the vector that the message names.',
    ],
  },
  'graph/invalid': {
    happened: 'The file is not an ONNX model that onnxruntime-web runs.',
    why: ['It is cut off, or of another format.', 'It has an operator that onnxruntime-web lacks.'],
    fix: [
      'Check it with `onnx.checker.check_model`.',
      'Export with another opset, or without that operator.',
    ],
  },
  'graph/unsupported': {
    happened: 'The model needs something that devices do not have. It is said before anything is downloaded.',
    why: [
      'Its opset, an operator or the type of a tensor is none that onnxruntime-web runs.',
      'An output is a sequence or a map.',
      'The graph takes no input.',
    ],
    fix: [
      'Export with an older opset, or without what the message names.',
      "With skl2onnx: `options={'zipmap': False}` gives a tensor of probabilities instead of a map.",
    ],
  },
  'metrics/invalid': {
    happened: 'The metrics file is not a flat JSON object of numbers and texts.',
    why: ['A figure is a list or an object; a hash is not one.'],
    fix: ['Write it as `{"auc": 0.87, "recall": 0.6, "framework": "scikit-learn 1.2.1"}`.'],
  },
  'out/not-empty': {
    happened: 'What the command would write to is in use by something else, which is left alone.',
    why: ['The folder has files of other origin.', 'The file was not written by `afield types`.'],
    fix: ['Name another place with `--out`.'],
  },
  'reference/invalid': {
    happened: 'The CSV of training data does not fit the contract.',
    why: ['Its header lacks a field.', 'A row has a text where a number belongs.'],
    fix: ['Correct the row or column that the message names. Other columns are passed over.'],
  },
  'serve/port-in-use': {
    happened: 'Another program has the port.',
    why: ['The command runs twice, or something else uses it.'],
    fix: ['Pass another with `--port`, or `--port 0` for a free one.'],
  },
  usage: {
    happened: 'The command was not understood. Exit code 2.',
    why: ['An option or argument is missing, misspelt, or does not go with another.'],
    fix: ['Add `--help` for the options and an example.'],
  },
}
