throw new Error('This file cannot even be imported.')
