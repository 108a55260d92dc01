import type { CliErrorCode } from '@afield/cli'
import type { ErrorPage } from './error-page.js'

type RepositoryCode = Extract<
  CliErrorCode,
  `${'keys' | 'proposal' | 'repository' | 'deploy' | 'version'}/${string}`
>

/** What can go wrong in a repository, with its keys, and on its way to a host. */
export const REPOSITORY_PAGES: Readonly<Record<RepositoryCode, ErrorPage>> = {
  'deploy/conflict': {
    happened: 'Somebody else deployed to this target. Nothing of theirs was changed.',
    why: ['Two people work from two copies of one repository.'],
    fix: ['Take their files over into your repository, make your change again, deploy again.'],
  },
  'deploy/credentials': {
    happened: 'The store was not told who asks, or refused it.',
    why: ['`AWS_ACCESS_KEY_ID` and its secret are not set, are wrong, or may not write there.'],
    fix: [
      'Set them in the environment.',
      'Allow listing the bucket, and reading and writing below the prefix.',
    ],
  },
  'deploy/refused': {
    happened: 'The store does not know what it was asked.',
    why: [
      'It lacks conditional writes (`If-None-Match` on PUT), without which two operators could overwrite each other.',
    ],
    fix: ['Use a store that has them, or deploy to a folder and copy it.'],
  },
  'deploy/target': {
    happened: 'The target is no place to deploy to.',
    why: ['The address is neither a folder nor `s3://bucket/prefix`.', 'The bucket does not exist.'],
    fix: ['Correct the address and `--endpoint`.', 'Make the bucket first.'],
  },
  'deploy/unavailable': {
    happened: 'The store did not take the files.',
    why: ['The network or the store failed, also after several tries.'],
    fix: [
      'Run the command again: what is there already is not sent again. What was deployed before is valid.',
    ],
  },
  'keys/exist': {
    happened: 'A key file is there already and is never overwritten.',
    why: ['The folder holds the keys of another repository.', 'A rotation was interrupted.'],
    fix: [
      'Choose another folder with `--keys`.',
      'Run the interrupted rotation again with the same options.',
    ],
  },
  'keys/exposed': {
    happened: 'Others on this machine can read a private key.',
    why: ['Its mode allows it; keys are made with 0600.'],
    fix: [
      '`chmod 600` the file if nobody has read it.',
      'Replace the key with `afield rotate` if somebody may have.',
    ],
  },
  'keys/missing': {
    happened: 'The key that has to sign is not at hand.',
    why: ['The folder of the keys is elsewhere.', 'Only the release key can change what is published.'],
    fix: ['Name the folder with `--keys` or `AFIELD_KEYS`.', 'Ask whoever holds the key.'],
  },
  'keys/passphrase': {
    happened: 'A key is encrypted and its passphrase was not given, or is wrong.',
    why: ['Nobody can be asked here, in a script for instance.'],
    fix: ['Set `AFIELD_PASSPHRASE`, or name a file in `AFIELD_PASSPHRASE_FILE`.'],
  },
  'keys/wrong': {
    happened: 'The keys are not those that this repository trusts.',
    why: [
      'They belong to another repository, or were replaced by `afield rotate`.',
      'This key has signed already.',
    ],
    fix: ['Name the folder that was made with this repository: `--keys`.'],
  },
  'proposal/invalid': {
    happened: 'A proposal would sign something other than it says. Do not sign it.',
    why: ['The file was changed after it was made.'],
    fix: ['Ask who made it, and have it made again.'],
  },
  'proposal/missing': {
    happened: 'There is no such proposal.',
    why: ['It was approved and published already, or lies in another folder.'],
    fix: ['`afield approve --list` says what waits.', 'Name the folder with `--proposals`.'],
  },
  'proposal/stale': {
    happened: 'The repository changed since the proposal was made, so it no longer fits. Nothing was signed.',
    why: ['Somebody published, or changed a rollout, in the meantime.'],
    fix: ['Run the command that proposed it again and delete the old file.'],
  },
  'proposal/waiting': {
    happened: 'The change waits for others to approve it. Exit code 3.',
    why: ['The repository was made with `--threshold m/n`.'],
    fix: ['The others run `afield approve`.'],
  },
  'repository/conflict': {
    happened: 'Somebody else changed the repository at the same moment. Nothing of yours was published.',
    why: ['Two commands wrote at once, or one was interrupted.'],
    fix: ['Look at what they did (`afield log NAME`), then run the command again.'],
  },
  'repository/damaged': {
    happened: 'A file of the repository is missing or is not what it is named for.',
    why: ['It was cut, changed or deleted by something other than Afield.'],
    fix: ['Restore the file that the message names from a copy.', '`afield verify` checks every byte.'],
  },
  'repository/missing': {
    happened: 'There is no repository here.',
    why: ['The folder is another one.'],
    fix: ['Name it with `--repo` or `AFIELD_REPO`.', 'Make one with `afield init`.'],
  },
  'repository/not-empty': {
    happened: 'A repository is made in an empty folder only, and this one is not.',
    why: ['There is a repository already, or other files.'],
    fix: ['Name a new folder.'],
  },
  'version/exists': {
    happened: 'This version is published already, and a version never changes.',
    why: ['The number was used before, also where that version was revoked.'],
    fix: ['Give the new one a new number.'],
  },
  'version/unknown': {
    happened: 'The model has no such version, or none that may run.',
    why: ['It was never published, is revoked, or is below the oldest that may run.'],
    fix: ['Take one of those that the message lists.'],
  },
}
