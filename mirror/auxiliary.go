package mirror

// Auxiliary returns the images beside releases that clusters' operators and engineers
// need: support tools, and base images of the service's own images.
func Auxiliary() []string {
	return []string{
		"mcr.microsoft.com/azure-cli:azurelinux3.0",
		"mcr.microsoft.com/azure-cli:cbl-mariner2.0",
		"registry.access.redhat.com/ubi8/nodejs-18:latest",
		"registry.access.redhat.com/ubi9/nodejs-18:latest",
		"registry.access.redhat.com/ubi9/nodejs-22:latest",
		"registry.access.redhat.com/ubi9/toolbox:latest",
		"registry.access.redhat.com/ubi9/ubi-micro:latest",
		"registry.access.redhat.com/ubi9/ubi-minimal:latest",
		"registry.fedoraproject.org/fedora:42",
		"registry.redhat.io/openshift4/ose-cli-rhel9:latest",
		"registry.redhat.io/openshift4/ose-cli-rhel9:v4.16",
		"registry.redhat.io/openshift4/ose-cli-rhel9:v4.17",
		"registry.redhat.io/openshift4/ose-must-gather:latest",
		"registry.redhat.io/openshift4/ose-tools-rhel8:v4.12",
		"registry.redhat.io/openshift4/ose-tools-rhel8:v4.13",
		"registry.redhat.io/openshift4/ose-tools-rhel8:v4.14",
		"registry.redhat.io/openshift4/ose-tools-rhel8:v4.15",
		"registry.redhat.io/rhel8/support-tools:latest",
		"registry.redhat.io/rhel9/support-tools:latest",
	}
}
