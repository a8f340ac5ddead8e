/** The commit's full hash, which `git archive` writes here (gitattributes(5), export-subst). */
export const STAMP: string = "$Format:%H$";
