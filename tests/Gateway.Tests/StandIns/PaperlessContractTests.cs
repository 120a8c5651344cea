namespace Gateway.Tests.StandIns;

// Each contract with the stand-in always, and with a real Paperless where PAPERLESS_UNDER_TEST names one.
public sealed class StandInRemoteUserTests() : RemoteUserContract(Installation.StandIn);

public sealed class StandInRemoteUserApiTests() : RemoteUserContract(Installation.StandInWithRemoteUserApi);

public sealed class RealPaperlessRemoteUserTests() : RemoteUserContract(Installation.Real);

public sealed class StandInPagesTests() : PagesContract(Installation.StandIn);

public sealed class RealPaperlessPagesTests() : PagesContract(Installation.Real);

public sealed class StandInUsersTests() : UsersContract(Installation.StandIn);

public sealed class RealPaperlessUsersTests() : UsersContract(Installation.Real);

public sealed class StandInAccountsTests() : AccountsContract(Installation.StandIn);

public sealed class RealPaperlessAccountsTests() : AccountsContract(Installation.Real);

public sealed class StandInTransfersTests() : TransfersContract(Installation.StandIn);

public sealed class RealPaperlessTransfersTests() : TransfersContract(Installation.Real);
