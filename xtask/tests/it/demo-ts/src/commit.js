export const COMMIT = "$Format:%H$";
